#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Our RDMA device is switched off under load, from both sides: the guest is told and goes on,
# its connections end at once, new ones use TCP and say why, and SMC is back with the device.
. "$(dirname "$0")/_lib.sh"

load() {
	guest "for i in 1 2 3; do
			smctest client -q -s $gate -p 7 -n 500000000 -m 60000 >/tmp/load\$i 2>&1 &
		done"
	for i in 1 2; do
		in_ns timeout 60 "$build/tests/guest/smctest" client -T -q -s $gate -n 500000000 -m 60000 >"$work/load$i" 2>&1 &
	done
	sleep 3
}
counted() { # ROLE WHOSE REASON
	console "show smc stats" |
		awk -v want="$1 $2 $3" '$1 " " $2 " " $3 == want { n += $5 } END { print n + 0 }'
}
loaded() { guest 'smcctl diag' | grep -q 'mode=SMC-R'; }
no_groups() { [ "$(guest_groups)" = 0 ]; }
smc_again() { guest "smctest client -s $gate -p 7 -n 1000" | grep -q 'mode=SMC-R.*result=ok'; }

guest_smc
guest_serve -q
start_smc_gate
for round in 1 2; do
	load
	wait_for 30 loaded || fail "no load: $(guest 'cat /tmp/load*')"
	console "smc device roce0 off" >/dev/null
	begin=$SECONDS
	transfer "without the device" 0x03010000 -t 30 -p 7 -n 100000
	say "a new connection took $((SECONDS - begin)) s"
	[ "$(counted server ours NOSMCDEV)" -ge "$round" ] || fail "no reason: $(console "show smc stats")"
	wait_for 15 no_groups || fail "the guest keeps groups: $(guest 'smcctl lgr; smcctl link; smcctl diag')"
	wait_for 15 guest_idle || fail "the guest has sockets left: $(guest 'smcctl diag')"
	guest 'rdma link del rxe0 && rdma link add rxe0 type rxe netdev eth0' ||
		fail "the guest's device hangs"
	console "smc device roce0 on" >/dev/null
	wait_for 30 smc_again || fail "no SMC with the device back: $(guest "smctest client -s $gate -p 7")"
done
wait_for 30 no_sockets || fail "connections are left: $(console "show sockets limit=10")"
guest 'dmesg' | grep -E 'BUG:|Oops|WARNING:|hung' && fail "the guest's kernel complains"
idle_seconds=60 finish "tcp_.*|$sent_again"
