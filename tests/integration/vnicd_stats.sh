#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# smcgate's driver, as a plugin in testpmd, on vnicd: the counters that the device
# keeps are in xstats, are those that vnicd shows, and go on over a stop and start. Then smcgate on
# a vnicd that answers questions for statistics wrongly in every way it knows.
. "$(dirname "$0")/_vnicd.sh"

plugin=$build/pmd/virtio/librte_net_vnic.so
[ -e "$plugin" ] || skip "no plugin (pmd/virtio was not built)"
new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1

pings() { in_ns timeout 60 ping -q -c "$1" -i 0.01 -W 3 10.5.0.2 >"$work/ping" && grep -q " $1 received" "$work/ping"; }

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

# ---- smcgate, and wrong answers ------------------------------------------------------
xstat() { console "show port 0 xstats $1" | awk -v n="$1" '$2 == n { print $3 }'; }
moved() { [ "$(xstat "$1")" -gt "$2" ]; }                # XSTAT VALUE
done_all() { [ "$(port p "d['faults_done'].get('$1', 0)")" -ge "$2" ]; } # KIND N
shown() { # the device's own counters, as they are
	[ "$(xstat rx_q0_hw_packets)" = "$(port p 'd["queues"]["0"]["packets"]')" ] &&
		[ "$(xstat tx_q0_hw_packets)" = "$(port p 'd["queues"]["1"]["packets"]')" ] && [ "$(xstat hw_stats_left_out)" = 0 ]
}
# wrong KIND COUNTER: eight answers; the counter moves (none: the answer can be understood). What is
# shown meanwhile was true once, and is again afterwards; packets do not care.
wrong() {
	local kind=$1 counter=$2 before seen most
	[ -z "$counter" ] || before=$(xstat "$counter")
	seen=$(xstat rx_q0_hw_packets)
	fault "p,$kind,8"
	check "$kind: echoes" pings 20
	wait_for 20 done_all "$kind" 8 || fail "$kind: done only $(port p "d['faults_done']")"
	[ -z "$counter" ] || wait_for 20 moved "$counter" "$before" || fail "$kind: $counter stays at $before"
	fault p,clear
	most=$(port p 'd["queues"]["0"]["packets"]')
	[ "$(xstat rx_q0_hw_packets)" -ge "$seen" ] && [ "$(xstat rx_q0_hw_packets)" -le "$((most + 5))" ] ||
		fail "$kind: shows $(xstat rx_q0_hw_packets), was $seen, device has $most"
	wait_for 20 shown || fail "$kind: not right again: $(console "show port 0 xstats hw_")"
}
smcgate_on_faults() {
	vnicd_with '{"ports": [{"name": "p", "path": "$work/p.sock", "mac": "02:00:00:00:00:01"}],
		"uplinks": [{"name": "u", "tap": "vtap0"}]}'
	ip -n "$ns" addr add 10.5.0.1/24 dev vtap0
	printf '{"ports": [{"name": "p", "device": "net_vnic0", "vdev": "net_vnic0,path=%s,stats_ms=20", "addresses": ["10.5.0.2/24"]}]}' \
		"$work/p.sock" >"$work/config.json"
	huge_pages 200 400
	start_smcgate "$work/config.json" --lcores '0@0,1@1'
	wait_for 30 pings 1 || fail "smcgate does not answer"
	wait_for 10 shown || fail "counters: $(console "show port 0 xstats hw_")"
	# An answer whose end or whose first entry is nothing looks like one that has less to say.
	wrong stats_short ""
	wrong stats_zero ""
	wrong stats_garbage hw_stats_errors
	wrong stats_long ""
	wrong stats_unknown hw_stats_errors
	fault p,ctrl_only,8
	wrong ctrl_fail hw_stats_failed
	equal "broken" "$(console "show port 0 ctrl" | sed -n 's/^ *broken  *//p')" no
	kill -TERM "$smcgate_pid"
	wait_for 30 gone "$smcgate_pid" || fail "smcgate does not end"
	wait "$smcgate_pid" || fail "smcgate's status $?"
	finish
}
smcgate_on_faults
