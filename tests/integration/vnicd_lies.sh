#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# smcgate's driver, as a plugin in testpmd, on a vnicd that writes malformed used
# entries: the driver says which rule was broken and lives, and the port works again when restarted.
. "$(dirname "$0")/_vnicd.sh"

plugin=$build/pmd/virtio/librte_net_vnic.so
[ -e "$plugin" ] || skip "no plugin (pmd/virtio was not built)"
new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1

pings() { in_ns timeout 20 ping -q -c "${1:-5}" -i 0.01 -W 1 10.5.0.2 >"$work/ping" || true; grep -q " ${1:-5} received" "$work/ping"; }

# Rules broken, as the driver has counted them.
faults() {
	telemetry "${pmd_prefix[p]}" /ethdev/xstats,0 | python3 -c '
import json, sys
print(sum(v for k, v in json.load(sys.stdin)["/ethdev/xstats"].items() if k.startswith("vnic_fault_")))'
}

# ring NAME FEATURES DEVICE-ARGUMENTS
ring() {
	local lie n=0
	vnicd_with '{"ports": [{"name": "p", "path": "$work/p.sock", "mac": "02:00:00:00:00:01", "features": {'"$2"'}}],
		"uplinks": [{"name": "u", "tap": "vtap0"}]}'
	ip -n "$ns" addr add 10.5.0.1/24 dev vtap0
	ip -n "$ns" neigh add 10.5.0.2 lladdr 02:00:00:00:00:01 dev vtap0
	testpmd_driver=(-d "$plugin") testpmd_vdev=net_vnic0
	start_testpmd p "path=$work/p.sock$3" --forward-mode=icmpecho
	pmd p start
	pmd_says p "icmpecho packet forwarding"
	port_ready p
	wait_for 10 pings || fail "$1: no answer: $(tail -5 "${pmd_log[p]}")"
	equal "$1: rules broken at first" "$(faults)" 0
	for lie in lie_id_range lie_id_twice lie_len_huge; do
		fault p,$lie,1,0
		pings 3 || true
		! gone "${pmd_pid[p]}" || fail "$1: testpmd died of $lie: $(tail -5 "${pmd_log[p]}")"
		n=$((n + 1))
		equal "$1: rules broken with $lie" "$(faults)" $n
		pmd p stop
		pmd p port stop 0
		pmd p port start 0
		pmd p start
		port_ready p
		wait_for 15 pings || fail "$1: no answer after $lie: $(tail -30 "${pmd_log[p]}") $(port p d)"
	done
	end_testpmd p
	finish
}
ring split '"packed": false' ""
ring packed '"packed": true' ""
