#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# smcgate's driver, as a plugin in testpmd, on a vnicd that writes malformed used
# entries: the driver says which rule was broken and lives, and the port works again when
# restarted; packets shorter than their header are dropped. And a link that goes down and up.
# Long: 20 s, every lie on two kinds of ring.
. "$(dirname "$0")/_vnicd.sh"

plugin=$build/pmd/virtio/librte_net_vnic.so
[ -e "$plugin" ] || skip "no plugin (pmd/virtio was not built)"
new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1

# What is lost is not waited for long: both are tried again.
pings() { in_ns timeout 20 ping -q -c "${1:-5}" -i 0.01 -W 0.3 10.5.0.2 >"$work/ping" || true; grep -q " ${1:-5} received" "$work/ping"; }

# The counters of the driver whose names match, summed up.
counted() { # PATTERN
	telemetry "${pmd_prefix[p]}" /ethdev/xstats,0 | python3 -c '
import json, re, sys
print(sum(v for k, v in json.load(sys.stdin)["/ethdev/xstats"].items() if re.match(sys.argv[1], k)))' "$1"
}
# Many packets at once: some lies take two that the driver has not seen yet.
volley() { in_ns timeout 20 ping -q -c 16 -l 16 -i 0.01 -W 0.3 10.5.0.2 >"$work/ping" || true; }
# Rules broken.
faults() { counted vnic_fault_; }
# A false index stands until the next entry: a driver that was not running then never saw it, and hears it again.
told() { # N LIE
	volley
	[ "$(faults)" = "$1" ] && return
	[ "$2" != lie_idx_jump ] || fault p,$2,1,0
	return 1
}
dropped() { volley; [ "$(counted rx_q0_drop_rx_short)" -gt "$1" ]; } # N
link_is() { telemetry "${pmd_prefix[p]}" /ethdev/link_status,0 | grep -qi "\"status\": *\"$1\""; }

# ring NAME FEATURES DEVICE-ARGUMENTS LIE...
ring() {
	local name=$1 lie n=0 short
	vnicd_with '{"ports": [{"name": "p", "path": "$work/p.sock", "mac": "02:00:00:00:00:01", "features": {'"$2"'}}],
		"uplinks": [{"name": "u", "tap": "vtap0"}]}'
	ip -n "$ns" addr add 10.5.0.1/24 dev vtap0
	ip -n "$ns" neigh add 10.5.0.2 lladdr 02:00:00:00:00:01 dev vtap0
	testpmd_driver=(-d "$plugin") testpmd_vdev=net_vnic0
	start_testpmd p "path=$work/p.sock$3" --forward-mode=icmpecho
	shift 3
	pmd p start
	pmd_says p "icmpecho packet forwarding"
	port_ready p
	wait_for 10 pings || fail "$name: no answer: $(tail -5 "${pmd_log[p]}")"
	equal "$name: rules broken at first" "$(faults)" 0
	for lie in lie_len_zero lie_len_short; do
		short=$(counted rx_q0_drop_rx_short)
		fault p,$lie,1,0
		wait_for 10 dropped "$short" || fail "$name: no packet dropped by $lie"
		wait_for 10 pings || fail "$name: no answer after $lie: $(tail -5 "${pmd_log[p]}")"
		equal "$name: rules broken with $lie" "$(faults)" 0
	done
	for lie in "$@"; do
		fault p,$lie,1,0
		n=$((n + 1))
		wait_for 10 told $n "$lie" || fail "$name: rules broken with $lie: $(faults), not $n"
		! gone "${pmd_pid[p]}" || fail "$name: testpmd died of $lie: $(tail -5 "${pmd_log[p]}")"
		fault p,clear
		pmd p stop
		pmd p port stop 0
		pmd p port start 0
		pmd p start
		port_ready p
		wait_for 15 pings || fail "$name: no answer after $lie: $(tail -30 "${pmd_log[p]}") $(port p d)"
	done
	check "$name: link up" link_is UP
	fault p,link,0
	wait_for 10 link_is DOWN || fail "$name: the link stays up"
	fault p,link,1
	wait_for 10 link_is UP || fail "$name: the link stays down"
	wait_for 10 pings || fail "$name: no answer after the link was down"
	end_testpmd p
	finish
}
lies=(lie_id_range lie_id_twice lie_id_idle lie_idx_jump lie_len_huge lie_order)
ring split '"packed": false' "" "${lies[@]}"
ring packed '"packed": true' "" "${lies[@]}"
