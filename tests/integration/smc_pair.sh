#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Two gateways with SMC over software RoCE between them: data compared in both directions,
# many connections at once on two workers each, B's device switched off and on again; B is
# told when A ends.
. "$(dirname "$0")/_pair.sh"

timed() { # NAME MODE MIB
	local begin=${EPOCHREALTIME/./} us
	check "$1" in_ns timeout 250 python3 "$here/_bulk.py" "$2" "$3" 10.79.0.1:8081 "$4"
	us=$((${EPOCHREALTIME/./} - begin))
	say "$1: $3 MiB in $((us / 1000)) ms, $(($3 * 8388608 / us)) Mb/s"
}
page() { in_ns curl -s -m "${1:-60}" -o "$work/page" -w '%{http_code} %{size_download}' http://10.77.0.2/ || true; }

start_pair '{"smc": {"memory_mb": 48}}' '0@0,1@0,2@1' '0@1,1@1,2@0'

equal "page" "$(page)" "200 1024"
timed "down" down 64 10.77.0.2:8080
timed "up" up 64 10.77.0.2:8080
timed "echo, both ways at once" echo 64 10.77.0.2:7
check "300 connections at once" in_ns timeout 100 python3 "$here/_many.py" 300 10.77.0.2 80
for i in $(seq 40); do equal "page $i" "$(page)" "200 1024"; done

# Every one was SMC: 1 + 3 + 300 + 40, as seen from either side.
say "fallbacks of A, of B: $(of a reasons), $(of b reasons)"
equal "A's SMC connections" "$(of a smc_count client "smc v2")" 344
equal "B's SMC connections" "$(of b smc_count server "smc v2")" 344
equal "A's fallbacks as client" "$(of a smc_count client fallbacks)" 0
equal "B's fallbacks" "$(of b smc_count server fallbacks)" 0

# Without a device B does not answer the option, and both say why.
of b console "smc device roce0 off" >/dev/null
holds "A's link groups" "" of a lgr_ids
equal "page by TCP" "$(page)" "200 1024"
timed "down by TCP" down 8 10.77.0.2:8080
equal "A's reasons" "$(of a reasons)" "client ours PEER_NO_SMC 2"
of b reasons >"$work/reasons"
check "B's reasons: $(cat "$work/reasons")" grep -q '^server ours NOSMC.*DEV 2$' "$work/reasons"

of b console "smc device roce0 on" >/dev/null
of a console "smc peer forget all" >/dev/null
equal "page by SMC again" "$(page)" "200 1024"
equal "A's SMC connections" "$(of a smc_count client "smc v2")" 345

# A's workers are on different cores, as are B's, with others' on them: while one waits for its
# core the other may fill the ring to it. What was lost there was sent again.
finish_pair 'tcp_.*|steer_ring_full|tx_ring_full'
