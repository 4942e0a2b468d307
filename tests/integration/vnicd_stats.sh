#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# smcgate's driver, as a plugin in testpmd, on vnicd: the counters that the device
# keeps are in xstats, are those that vnicd shows, and go on over a stop and start.
. "$(dirname "$0")/_vnicd.sh"

plugin=$build/pmd/virtio/librte_net_vnic.so
[ -e "$plugin" ] || skip "no plugin (pmd/virtio was not built)"
new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1

pings() { in_ns timeout 20 ping -q -c "$1" -i 0.01 -W 1 10.5.0.2 >"$work/ping" && grep -q " $1 received" "$work/ping"; }

xstats() { # PYTHON, where d has the xstats
	telemetry "${pmd_prefix[p]}" /ethdev/xstats,0 | python3 -c '
import json, sys
d = json.load(sys.stdin)["/ethdev/xstats"]
print(eval(sys.argv[1]))' "$1"
}
is() { [ "$(xstats "$1")" = "$2" ]; } # PYTHON VALUE: asks anew each time
becomes() { wait_for 10 is "$2" "$3" || fail "$1: $(xstats "$2"), not $3"; }

# ring NAME FEATURES
ring() {
	local seen
	vnicd_with '{"ports": [{"name": "p", "path": "$work/p.sock", "mac": "02:00:00:00:00:01", "features": {'"$2"'}}],
		"uplinks": [{"name": "u", "tap": "vtap0"}]}'
	ip -n "$ns" addr add 10.5.0.1/24 dev vtap0
	ip -n "$ns" neigh add 10.5.0.2 lladdr 02:00:00:00:00:01 dev vtap0
	testpmd_driver=(-d "$plugin") testpmd_vdev=net_vnic0
	start_testpmd p "path=$work/p.sock,stats_ms=50" --forward-mode=icmpecho
	pmd p start
	pmd_says p "icmpecho packet forwarding"
	port_ready p
	check "$1: echoes" pings 50
	becomes "$1: rx_q0_hw_packets" 'd["rx_q0_hw_packets"]' "$(port p 'd["queues"]["0"]["packets"]')"
	becomes "$1: tx_q0_hw_packets" 'd["tx_q0_hw_packets"]' "$(port p 'd["queues"]["1"]["packets"]')"
	at_least "$1: packets" "$(xstats 'd["rx_q0_hw_packets"]')" 50
	becomes "$1: rx_q0_hw_bytes" 'd["rx_q0_hw_bytes"]' "$(port p 'd["queues"]["0"]["bytes"]')"
	equal "$1: as the driver counts" "$(xstats 'd["rx_q0_hw_packets"] - d["rx_q0_packets"]')" 0
	at_least "$1: commands" "$(xstats 'd["cq_hw_ok_num"]')" 3
	equal "$1: wrong answers" "$(xstats 'd["hw_stats_errors"] + d["hw_stats_failed"]')" 0
	seen=$(xstats 'd["rx_q0_hw_packets"]')
	pmd p stop
	pmd p port stop 0
	pmd p port start 0
	pmd p start
	port_ready p
	wait_for 10 pings 10 || fail "$1: no echoes after the restart"
	becomes "$1: after a restart" 'd["rx_q0_hw_packets"] >= '"$((seen + 10))" True
	end_testpmd p
	finish
}
ring all ''

# Without the feature there is nothing to show.
ring_without() {
	vnicd_with '{"ports": [{"name": "p", "path": "$work/p.sock", "features": {"device_stats": false}}]}'
	start_testpmd p "path=$work/p.sock"
	pmd p start
	port_ready p
	equal "without the feature" "$(xstats 'sum("hw_" in k for k in d)')" 0
	end_testpmd p
	finish
}
ring_without
