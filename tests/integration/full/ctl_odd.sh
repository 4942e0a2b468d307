#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What operators do at odd moments: sizes that cannot be, a deadline shortened while a command is pending, three
# consoles at once, counters of a port that stops and starts, a back end that dies in the middle of a resize.
. "$(dirname "$0")/../_lib.sh"

new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
cat >"$work/vnicd.json" <<-END
	{"ports": [{"name": "p", "path": "$work/p.sock", "queues": 2}], "uplinks": [{"name": "u", "tap": "vtap0"}]}
END
back_end() {
	start_vnicd "$work/vnicd.json"
	ip -n "$ns" addr add $kernel/24 dev vtap0
	ip -n "$ns" link set vtap0 up
}
late() { telemetry "$vnicd_prefix" "/vnicd/port/control,p,latency_us,$1" >/dev/null; }
answers() { wait_for 20 in_ns ping -c1 -W1 $gate || fail "$1: no answer to ping"; }
refused() { # COMMAND PATTERN
	! console "$1" >"$work/out" 2>&1 || fail "$1 succeeded"
	grep -q "^error: .*$2" "$work/out" || fail "$1: $(cat "$work/out")"
}
in_flight() { [ "$(field "show port 0 ctrl" "in flight")" -gt 0 ]; }
entry() { console "show port 0 rss reta 128 (0x8,0x0)" | awk '$1 == 3 && NF == 2 { print $2 }'; }

back_end
make_config '{"port": {"device": "net_vnic0", "vdev": "net_vnic0,path='"$work"'/p.sock", "rx_queues": 2, "tx_queues": 2}}'
huge_pages 200 400
start_smcgate "$work/config.json" --lcores '0@0,1@0,2@1'
answers "at first"
settled_pools

for size in 0 1 7 32769 65535 -5 1e3; do refused "port 0 rxq 0 resize $size" "found '$size', allowed 8..32768"; done
refused "port 0 rxq 0 resize 32768" "more descriptors than memory.rx_buffers"
for size in 8 9 1023 512; do check "resize $size" console "port 0 rxq 0 resize $size" "port 0 txq 1 resize $size" >/dev/null; done
answers "sizes"

# Over a reset: the table and what else was told.
check "told" console "port config 0 rss reta (3,1)" "mac_addr add 0 02:00:00:00:00:41" >/dev/null
console "port reset 0" >"$work/out" || fail "$(cat "$work/out")"
grep -q 'kept  *rss reta$' "$work/out" && grep -q 'kept  *1 added mac_addr$' "$work/out" || fail "$(cat "$work/out")"
equal "entry 3 after the reset" "$(entry)" 1
answers "a reset"

# A deadline shortened while a command waits.
late 60000000
console "set promisc 0 on" >"$work/pending" 2>&1 &
pending=$!
wait_for 10 in_flight || fail "nothing is in flight"
check "a shorter deadline" console "port 0 ctrl timeout 300"
! wait $pending || fail "a command to a device that hangs succeeded"
grep -qE "is broken now: port reset|or its back end is gone for now" "$work/pending" || fail "$(cat "$work/pending")"
late 0
check "reset" console "port 0 ctrl timeout 604800000" "port reset 0" >/dev/null
answers "a device that hung"

# Three consoles, each refused at most because another is at it.
for k in 1 2 3; do
	for i in $(seq 15); do
		console "port 0 rxq 0 reset" "port 0 txq 1 resize 512" "show port 0 ctrl" "show port 0 coalesce" || true
	done >"$work/console$k" 2>&1 &
	consoles[k]=$!
done
wait "${consoles[@]}"
! grep -h '^error' "$work"/console? | grep -v "busy" || fail "consoles at once"
answers "three consoles"

# Counters of a port that stops and starts.
for i in $(seq 10); do console "port stop 0" "port start 0" || true; done >"$work/stops" 2>&1 &
stops=$!
for i in $(seq 20); do
	console "show port 0 xstats hw_" "show port stats all" "show port 0 ctrl" "show port queues 0" || true
done >"$work/looks" 2>&1
wait $stops
! grep -h '^error' "$work/stops" "$work/looks" | grep -v "busy" || fail "looking at a port that stops"
answers "stops and starts"

# Dead in the middle of a resize.
telemetry "$vnicd_prefix" "/vnicd/port/fault,p,reset_late,20000" >/dev/null
console "port 0 txq 0 resize 128" >"$work/out" 2>&1 &
pending=$!
sleep 0.5
kill -9 "$vnicd_pid"
! wait $pending || fail "a resize by a back end that died succeeded"
grep -q "its back end is gone for now" "$work/out" || fail "$(cat "$work/out")"
back_end
answers "a back end that died"
check "reset" console "port 0 txq 0 reset" "port 0 txq 0 resize 128" >/dev/null
finish 'tcp_.*|tx_.*|rx_.*'
