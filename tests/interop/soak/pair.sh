#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# SOAK_PAIR_MB (50000) of verified data over SMC-R between two gateways of ours, there and
# back, by connections one after another and at once, long and short; the memory of both
# stays what it was after the first round. No guest has a part in it.
. "$(dirname "$0")/../../integration/_pair.sh"

megabytes=${SOAK_PAIR_MB:-50000} round=0 moved=0 conns=0
resident() { awk '/^VmRSS/ { print $2 }' "/proc/${gate_pid[$1]}/status"; }
declare -A before now
tables=8192 # KiB of hash tables, 4 MiB a worker, that flows touch page by page

echoes() { # WHAT CONNECTIONS SMCTEST-ARGUMENT...: through A to B's echo and back
	local what=$1 count=$2; shift 2
	in_ns timeout 1200 "$build/tests/guest/smctest" client -T -q -s $gate -p 7 -c "$count" "$@" >"$work/client" 2>&1 ||
		fail "$what of round $round: $(tail -3 "$work/client")"
	grep -q "^connections=$count .*failed=0 " "$work/client" || fail "$what of round $round: $(tail -1 "$work/client")"
	conns=$((conns + count))
}

start_pair '{"smc": {"memory_mb": 48}}' '0@0,1@0,2@1' '0@1,1@1,2@0'
echoes "first one" 1 -n 500 # neighbours are known from here on

while ((moved < megabytes)); do
	echoes "long ones" 20 -j 10 -n 20000000 -m 60000
	echoes "pieces" 8 -j 8 -n 12500000 -m 700
	echoes "short ones" 100 -j 4 -n 500
	moved=$((moved + 1000)) # both directions
	round=$((round + 1))
	for i in a b; do
		use $i
		alive
		wait_for 60 idle_again || fail "round $round: $i is not idle again: $(pools)"
		wait_for 60 no_smc_conns || fail "round $round: $i has SMC connections: $(console "show smc connections")"
		now[$i]=$(resident $i)
		[ $round != 1 ] || before[$i]=${now[$i]}
		((now[$i] <= before[$i] + before[$i] / 50 + tables)) ||
			fail "round $round: memory of $i grew from ${before[$i]} to ${now[$i]} KiB"
	done
	say "round $round: $moved MB, ${now[a]} and ${now[b]} KiB resident"
done

equal "A's SMC connections" "$(of a smc_count client "smc v2")" $conns
equal "B's SMC connections" "$(of b smc_count server "smc v2")" $conns
equal "A's fallbacks" "$(of a smc_count client fallbacks)" 0
equal "B's fallbacks" "$(of b smc_count server fallbacks)" 0
# As in smc_pair.sh: workers share cores.
finish_pair 'tcp_.*|steer_ring_full|tx_ring_full'
