#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What vnicd does wrong on purpose, by telemetry and by configuration, shows in pings
# and counters, and ends when it is told to.
. "$(dirname "$0")/_vnicd.sh"

new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1

# The front end listens, as stock ones can come back only so.
start() { # FAULTS-OF-THE-PORT
	vnicd_with '{"ports": [{"name": "p", "path": "$work/p.sock", "mode": "client", "retry_ms": 20, "faults": '"$1"'}],
		"uplinks": [{"name": "u", "tap": "vtap0"}]}'
	ip -n "$ns" addr add 10.5.0.1/24 dev vtap0
	ip -n "$ns" neigh add 10.5.0.2 lladdr 02:00:00:00:00:01 dev vtap0
}
start '{}'
start_testpmd p "path=$work/p.sock,server=1,mac=02:00:00:00:00:01" --forward-mode=icmpecho
pmd p start
pmd_says p "icmpecho packet forwarding"
port_ready p

# pings [ARGUMENT...]: ten of them; what ping says last.
pings() { in_ns timeout 20 ping -q -c 10 -i 0.01 -W 1 "$@" 10.5.0.2 >"$work/ping" || true; }
said() { grep -o "$1" "$work/ping" | head -1; }
all_back() { pings; [ "$(said '[0-9]* received')" = "10 received" ]; }
check "pings" wait_for 10 all_back

fault p,drop,1000000
pings
equal "all dropped" "$(said '[0-9]* received')" "0 received"
at_least "count of drops" "$(port p 'd["faults"]["dropped"]')" 10
fault p,clear
check "pings after drops" wait_for 10 all_back

fault p,duplicate,1000000
pings
# ping ends when ten have come, perhaps before the last of the four of each.
at_least "doubled on both ways" "$(said '+[0-9]* duplicates' | tr -dc 0-9)" 20
at_least "count of doubled" "$(port p 'd["faults"]["duplicated"]')" 20
fault p,clear

fault p,delay,30000
pings
at_least "delayed" "$(said '[0-9]* received' | cut -d' ' -f1)" 1
at_least "round trip, in ms" "$(sed -n 's/^rtt[^=]*= \([0-9]*\).*/\1/p' "$work/ping")" 60
fault p,clear

fault p,corrupt,1000000
pings -s 8 # without times in it, which ping would believe
# A bit of an address or of a time to live does no harm.
check "corrupt" [ "$(said '[0-9]* received')" != "10 received" ]
at_least "count of bits turned" "$(port p 'd["faults"]["corrupted"]')" 10
fault p,clear

fault p,reorder,500000
pings -i 0.0001
at_least "count of reordered" "$(port p 'd["faults"]["reordered"]')" 1
fault p,clear
check "pings after reordering" wait_for 10 all_back

fault u,drop,1000000
pings
equal "all dropped at the uplink" "$(said '[0-9]* received')" "0 received"
fault u,clear

fault p,stall,0
equal "stalled" "$(port p 'd["stalled"]')" 1
pings
equal "answers of a stalled port" "$(said '[0-9]* received')" "0 received"
fault p,clear
check "pings after the stall" wait_for 10 all_back
fault p,stall,100
until_port p 'not d["stalled"]'
check "pings after a stall that ends" wait_for 10 all_back

connects=$(port p 'd["connects"]')
fault p,disconnect
until_port p "d[\"connects\"] > $connects and d[\"up\"]"
check "pings after the connection was cut" wait_for 10 all_back

equal "fault of no kind" "$(ask /vnicd/port/fault,p,melt 'd["error"]')" 'there is no fault "melt"'
equal "fault of no port" "$(ask /vnicd/port/fault,q,drop,1 'd["error"]')" 'there is no port "q"'
equal "rate beyond all" "$(ask /vnicd/port/fault,p,drop,1000001 'd["error"]')" "refused: the value is more than drop takes, or there is no such queue"
equal "an uplink that disconnects" "$(ask /vnicd/port/fault,u,disconnect 'd["error"]')" "refused: Operation not supported"

# It dies as if killed, and another takes its place: the front end goes on.
ask /vnicd/port/fault,p,die 0 >/dev/null 2>&1 || true
wait_for 10 gone "$vnicd_pid" || fail "vnicd did not die"
status=0; wait "$vnicd_pid" || status=$?
equal "status of the dead" "$status" 137
rm -rf "/run/dpdk/$vnicd_prefix"
wait_for 10 bash -c "! ip -n $ns link show vtap0" || fail "the dead one's interface stayed"
# By configuration: half of all packets are lost, from a seed; all, after a while.
# Later, where the front end was not back before that.
for after in 3000 10000 30000; do
	start '{"seed": 7, "drop": 500000, "direction": "to_driver",
		"events": [{"kind": "drop", "after_ms": '$after', "value": 1000000}]}'
	port_ready p
	pings
	[ "$(port p 'd["faults"]["drop"]')" = 1000000 ] || break
	end_pid "$vnicd_pid"
	rm -rf "/run/dpdk/$vnicd_prefix"
done
at_least "some get through" "$(said '[0-9]* received' | cut -d' ' -f1)" 1
at_least "some are lost" "$(port p 'd["faults"]["dropped"]')" 1
wait_for 60 port_is p 'd["faults"]["drop"]' 1000000 || fail "no event: $(port p d)"
pings
equal "after the event" "$(said '[0-9]* received')" "0 received"
end_testpmd p
sockets_stay=1
finish
