#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The guest's RDMA device goes away under load, then the guest itself: our side lets go of
# everything, new connections use TCP, and SMC again when the device is back.
. "$(dirname "$0")/_lib.sh"

load() {
	guest "for i in 1 2 3; do
			smctest client -q -s $gate -p 7 -n 500000000 -m 60000 >/tmp/load\$i 2>&1 &
		done
		sleep 2"
}
smc_again() { guest "smctest client -s $gate -p 7 -n 1000" | grep -q 'mode=SMC-R.*result=ok'; }
loaded() { guest 'smcctl diag' | grep -q 'mode=SMC-R'; }
nobody() { no_sockets; }

guest_smc
# A guest short of CPU may confirm a key too late, and that connection is TCP: which has to end, too.
start_smc_gate '{"smc": {"forget_s": 5}, "tcp": {"user_timeout_ms": 30000}}'
load
wait_for 30 loaded || fail "no load: $(guest 'cat /tmp/load*')"
guest 'rdma link del rxe0'
transfer "without the device" 0x03030000 -p 7 -n 100000
wait_for 60 nobody || fail "connections are left: $(console "show sockets limit=10")"
check_guest_idle
guest 'rdma link add rxe0 type rxe netdev eth0'
wait_for 60 smc_again || fail "no SMC with the device back: $(guest "smctest client -s $gate -p 7")"

load
end_pid "$(cat "$guest_run/$guest_name/pid")" 1
wait_for 120 nobody || fail "connections with the dead guest are left: $(console "show sockets limit=10")"
need_guest
guest_smc
wait_for 60 smc_again || fail "no SMC with the new guest: $(guest "smctest client -s $gate -p 7")"
idle_seconds=60 finish "tcp_.*|arp_.*|$sent_again"
