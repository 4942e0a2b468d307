#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A receive ring whose descriptors lead nowhere: vnicd stops that ring, says so through the ring's error descriptor,
# and within five seconds the driver has stopped the queue, counted it and raised the queue's event. The
# other queues, vnicd and its other ports go on; a restart of the queue mends it.
. "$(dirname "$0")/_vnicd.sh"

plugin=$build/pmd/virtio/librte_net_vnic.so
[ -e "$plugin" ] || skip "no plugin (pmd/virtio was not built)"
new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1

pings() { in_ns timeout 20 ping -q -c 3 -i 0.01 -W 1 10.5.0.2 >"$work/ping" || true; grep -q " 3 received" "$work/ping"; }
xstat() { # NAME
	telemetry "${pmd_prefix[p]}" /ethdev/xstats,0 | python3 -c '
import json, sys
print(json.load(sys.stdin)["/ethdev/xstats"][sys.argv[1]])' "$1"
}
stopped() { [ "$(xstat vnic_fault_stopped_by_device)" = "$1" ]; } # TIMES

ring() { # NAME FEATURES
	local name=$1 said since
	sockets_stay=
	rm -f "$work"/*.sock
	vnicd_with '{"ports": [{"name": "p", "path": "$work/p.sock", "mac": "02:00:00:00:00:01", "features": {'"$2"'}}],
		"uplinks": [{"name": "u", "tap": "vtap0"}]}'
	ip -n "$ns" addr add 10.5.0.1/24 dev vtap0
	ip -n "$ns" neigh add 10.5.0.2 lladdr 02:00:00:00:00:01 dev vtap0
	coproc python3 -u "$here/_spoil.py" "$work/spoil.socket" "$work/p.sock"
	spoil_pid=$COPROC_PID spoil_in=${COPROC[1]}
	read -r -t 60 said <&"${COPROC[0]}" || fail "no relay"
	exec {spoil_out}<&"${COPROC[0]}"
	testpmd_driver=(-d "$plugin") testpmd_vdev=net_vnic0
	start_testpmd p "path=$work/spoil.socket" --forward-mode=icmpecho
	pmd p start
	pmd_says p "icmpecho packet forwarding"
	port_ready p
	wait_for 2 pings || fail "$name: no answer: $(tail -5 "${pmd_log[p]}")"
	equal "$name: stopped at first" "$(xstat vnic_fault_stopped_by_device)" 0

	echo 0 >&"$spoil_in"
	read -r -t 60 said <&"$spoil_out" && [ "$said" = spoilt ] || fail "$name: the ring is not spoilt"
	since=$SECONDS
	in_ns ping -q -c 1 -W 1 10.5.0.2 >/dev/null & # makes the device look into its ring
	wait_for 5 stopped 1 || fail "$name: the driver does not hear of it: $(port p d)"
	at_least "$name: 5 less the seconds it took" $((5 - (SECONDS - since))) 0
	pmd_says p "queue state event"
	equal "$name: vnicd's reason" "$(port p 'd["queues"]["0"]["error"]')" address_outside_memory
	equal "$name: counted" "$(port p '"%d %s" % (d["ring_errors"], d["last_ring_error"])')" "1 address_outside_memory"
	! gone "$vnicd_pid" || fail "$name: vnicd ended"
	! pings || fail "$name: a ring that is stopped receives"

	pmd p stop # testpmd leaves queues alone while it forwards
	pmd p port 0 rxq 0 stop
	pmd p port 0 rxq 0 start
	pmd p start
	wait_for 2 pings || fail "$name: no answer after the queue was started again: $(tail -5 "${pmd_log[p]}") $(port p d)"
	equal "$name: stopped in the end" "$(xstat vnic_fault_stopped_by_device)" 1
	end_testpmd p
	wait_for 10 gone "$spoil_pid" || fail "$name: the relay does not end"
	rm -f "$work/spoil.socket"
	finish
}
ring split '"packed": false'
ring packed '"packed": true'
