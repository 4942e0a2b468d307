#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Ends of connections: half close, abort with data unread, a program killed in mid-stream,
# urgent data; from both sides, and nothing is left on either.
. "$(dirname "$0")/_lib.sh"

guest_smc
start_smc_gate
transfer "half close" smc -p 7 -n 300000 -m 20000 -H
transfer "half close of a short one" smc -p 7 -n 1 -H
transfer "closed without data" smc -p 7 -n 0
transfer "10 half closes" smc -p 7 -c 10 -j 10 -n 100000 -H
for i in 1 2 3; do
	transfer "abort with unread data" smc -p 7 -n 20000 -m 20000 -A -W 300
	transfer "abort at once" smc -p 7 -n 20000 -m 20000 -A
done
transfer "urgent data" smc -p 7 -n 60000 -m 2000 -U
[ "$(guest_stat smcr.urgent)" -gt 0 ] || fail "the guest sent nothing urgent"
check_guest_idle

guest "smctest client -q -s $gate -p 7 -n 500000000 -m 60000 >/dev/null 2>&1 & sleep 2; kill -9 \$!"
check_guest_idle
transfer "after a killed client" smc -p 7 -n 100000

guest_serve
through "half close through us" smc -n 300000 -H
through "urgent data through us" smc -n 60000 -m 2000 -U
guest 'grep -q "urgent=!" /tmp/server' || fail "nothing urgent reached the guest: $(guest 'cat /tmp/server')"
through "abort through us" smc -n 20000 -A -W 300
in_ns timeout 2 "$build/tests/guest/smctest" client -T -q -s $gate -n 500000000 -m 60000 >/dev/null 2>&1 || true
through "after a killed client of ours" smc -n 100000
check_guest_idle
finish "tcp_.*|$sent_again"
