#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Programs that know nothing of SMC: curl from our web service, redis-cli and
# redis-benchmark through our proxy with a Redis of the host's, bulk to discard.
. "$(dirname "$0")/_lib.sh"

# by_smc COUNT COMMAND: the guest's kernel counts at least so many new SMC connections and
# no new fallback while the command runs.
by_smc() {
	local connections fallbacks
	connections=$(guest_stat smcr.client_v2)
	fallbacks=$(guest_fallbacks)
	guest -t 200 "$2" >"$work/out" 2>&1 || fail "$2: $(tail -3 "$work/out")"
	[ $(($(guest_stat smcr.client_v2) - connections)) -ge "$1" ] || fail "$2 did not use SMC"
	equal "fallbacks by $2" "$(guest_fallbacks)" "$fallbacks"
}

guest_smc
mkdir -p "$work/www"
head -c 3000000 /dev/urandom >"$work/www/file"
ip netns exec "$ns" redis-server --bind $kernel --port 6379 --save '' --appendonly no --protected-mode no \
	--dir "$work" >"$work/redis" 2>&1 &
at_exit "end_pid $!"
start_smc_gate
wait_for 10 in_ns redis-cli -h $kernel ping || fail "no Redis: $(tail -3 "$work/redis")"

for run in smcrun 'smcrun -i'; do
	by_smc 1 "$run curl -s -m 60 -o /tmp/file http://$gate/file && sha256sum /tmp/file"
	equal "the file by $run" "$(cut -d' ' -f1 "$work/out")" "$(sum "$work/www/file")"
	by_smc 1 "$run redis-cli -h $gate set key$RANDOM '$run'"
	equal "redis-cli" "$(cat "$work/out")" OK
	by_smc 4 "$run redis-benchmark -h $gate -c 4 -n 400 -t set,get -q"
done
by_smc 1 "smcrun redis-cli -h $gate ping"
by_smc 1 "smctest client -s $gate -p 9 -k -n 50000000 -m 60000"
grep -q 'mode=SMC-R.*sent=50000000.*result=ok' "$work/out" || fail "bulk: $(cat "$work/out")"
check_guest_idle
finish "$sent_again"
