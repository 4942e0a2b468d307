#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Single queues of a port of ours while two workers serve HTTP on it, on split and packed
# rings: reset, resize up and down, coalescing, stop and start; and the control queue's view.
. "$(dirname "$0")/_lib.sh"

new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
cat >"$work/vnicd.json" <<-END
	{"ports": [{"name": "p", "path": "$work/p.sock", "queues": 2}], "uplinks": [{"name": "u", "tap": "vtap0"}]}
END
start_vnicd "$work/vnicd.json"

start() { # DEVICE-ARGUMENTS
	make_config '{"port": {"device": "net_vnic0", "vdev": "net_vnic0,path='"$work/p.sock,$1"'", "rx_queues": 2, "tx_queues": 2}}'
	huge_pages 200 400
	start_smcgate "$work/config.json" --lcores '0@0,1@0,2@1'
}
requests() { field "show services web" requests; }
more_than() { [ "$(requests)" -gt "$1" ]; }
# Pages are served still, by workers that may have had to wait for a retransmission.
goes_on() { # WHAT
	local before
	before=$(requests)
	wait_for 20 more_than $((before + 20)) || fail "$1: no more pages"
}
# Each of the commands fails as the pattern behind it says: refused COMMAND PATTERN...
refused() {
	while [ $# -gt 0 ]; do
		! console "$1" >"$work/out" || fail "$1 succeeded"
		grep -q "^error: .*$2" "$work/out" || fail "$1: $(cat "$work/out")"
		shift 2
	done
}
# Each of them is a reset or resize, the least way was taken, and pages are served after it.
done_alone() { # COMMAND...
	console "$@" >"$work/out" || fail "$*: $(cat "$work/out")"
	equal "$*: reset alone" "$(grep -c "the device reset this queue alone" "$work/out")" $#
	equal "$*: others not out" "$(grep -cx " *others out us  *0" "$work/out")" $#
	goes_on "$*"
}
said() { sed -n "s/^ *$1  *//p" "$work/out" | xargs; }
descriptors() { console "show rxq info 0 $1" "show txq info 0 $1" | sed -n "s/^ *descriptors  *//p" | xargs; }
coalescing() { # DIRECTION: of its queues, "usecs packets device's-usecs device's-packets state"
	console "show port 0 coalesce" | awk -v d="$1" '$2 == d { $1 = $2 = ""; print }' | xargs
}

resets() {
	done_alone "port 0 rxq 0 reset" "port 0 rxq 1 reset" "port 0 txq 0 reset" "port 0 txq 1 reset"
	equal "descriptors" "$(said descriptors)" "$1 $1 $1 $1"
}
resizes() { # SIZE...
	local size
	for size in "$@"; do
		done_alone "port 0 rxq 1 resize $size" "port 0 txq 1 resize $size"
		equal "said" "$(said descriptors)" "$size $size"
		equal "descriptors" "$(descriptors 1)" "$size $size"
	done
	refused "port 0 rxq 1 resize 4" "found '4', allowed 8" "port 0 rxq 1 resize 40000" "found '40000', allowed 8..32768" \
		"port 0 rxq 2 reset" "found '2', allowed 0..1"
	[ $packed = 1 ] || refused "port 0 txq 1 resize 100" "found .100., allowed 8..32768, on a split ring only powers of two"
	equal "descriptors after what was refused" "$(descriptors 1)" "$size $size"
}
coalesce() {
	check "coalesce" console "set moderation 0 busy-poll" "port 0 rxq all coalesce usecs 60 packets 30" "port 0 txq 1 coalesce usecs 90 packets 20"
	equal "receive queues" "$(coalescing rx)" "0 60 30 60 30 as set 1 60 30 60 30 as set"
	equal "transmit queues" "$(coalescing tx)" "0 0 0 0 0 as set 1 90 20 90 20 as set"
	# It outlives the queue's reset.
	done_alone "port 0 rxq 1 reset"
	holds "receive queues after a reset" "0 60 30 60 30 as set 1 60 30 60 30 as set" coalescing rx
	check "no coalescing" console "port 0 rxq all coalesce usecs 0 packets 0" \
		"port 0 txq all coalesce usecs 0 packets 0" "set moderation 0 adaptive"
}
stop_and_start() {
	console "port 0 rxq 1 stop" "show port queues 0" >"$work/out" || fail "stop: $(cat "$work/out")"
	# The device's table goes around it.
	equal "flows" "$(awk '$2 == "rx" { print $3, $6, $7, $8, $9 }' "$work/out" | xargs)" "0 100.0 runs 1 0.0 stopped"
	refused "port 0 rxq 1 stop" "it is so already" "port 0 rxq 1 reset" "it is stopped: start it first"
	goes_on "a stopped receive queue"
	check "rxq start, txq stop" console "port 0 rxq 1 start" "port 0 txq 0 stop"
	goes_on "a stopped transmit queue"
	console "port 0 txq 0 start" "show port queues 0" >"$work/out" || fail "start: $(cat "$work/out")"
	equal "queues that run" "$(grep -c ' runs$' "$work/out")" 4
	equal "flows" "$(awk '$2 == "rx" { print $3, $6 }' "$work/out" | xargs)" "0 50.0 1 50.0"
	goes_on "all queues"
}
entries() { console "show port 0 rss reta 128 (0x3,0x0)" | awk '/^ *[0-9]+ +[0-9]+$/ { print $1 ":" $2 }' | xargs; }
# The device's table by hand: flows come to other lcores' queues, and are served.
table() {
	local before
	before=$(entries)
	[[ $before =~ ^0:[01]\ 1:[01]$ ]] || fail "the table: $(console "show port 0 rss reta 128 (0x3,0x0)")"
	check "reta" console "port config 0 rss reta (0,1),(1,1)"
	equal "two entries" "$(entries)" "0:1 1:1"
	refused "port config 0 rss reta (0,0),(1,2)" "no such receive queue" "port config 0 rss reta (128,0)" "no such entry"
	equal "after what was refused" "$(entries)" "0:1 1:1"
	# A queue that is stopped is left out, and comes back.
	check "rxq stop" console "port 0 rxq 1 stop"
	equal "without queue 1" "$(entries)" "0:0 1:0"
	check "rxq start" console "port 0 rxq 1 start"
	equal "with it again" "$(entries)" "0:1 1:1"
	goes_on "another table"
	check "reta default" console "port config 0 rss reta default"
	equal "the lcores' table" "$(entries)" "$before"
}
stations() {
	check "mac_addr add" console "mac_addr add 0 02:00:00:00:00:77"
	refused "mac_addr add 0 02:00:00:00:00:77" "it has that address already" "mac_addr remove 0 02:00:00:00:00:78" "no such address" \
		"mac_addr set 0 02:00:00:00:00:79" "IP addresses are known by" "mac_addr add 0 33:33:00:00:00:01" "not one station's"
	check "mac_addr remove" console "mac_addr remove 0 02:00:00:00:00:77"
	goes_on "addresses"
}
in_force() { console "show port 0 rx_offload configuration" | grep -oE 'TCP_[A-Z]+|UDP_[A-Z]+' | sort -u | xargs; }
offloads() {
	local on
	on=$(in_force)
	[[ $on = *TCP_CKSUM*TCP_LRO* ]] || fail "receive offloads at first: $on"
	# The last commands are to be these, not moderation's.
	console "set moderation 0 busy-poll" "port config 0 rx_offload tcp_lro off" "port config 0 rx_offload tcp_cksum off" >"$work/out" ||
		fail "$(cat "$work/out")"
	equal "switched off while the port runs" "$(grep -c ' off, while the port runs$' "$work/out")" 2
	equal "in force" "$(in_force)" ""
	console "show port 0 ctrl" >"$work/out" || fail "$(cat "$work/out")"
	grep -q 'GUEST_OFFLOADS SET  *ok ' "$work/out" || fail "the device was not told: $(cat "$work/out")"
	check "adaptive" console "set moderation 0 adaptive"
	goes_on "no receive offloads"
	refused "port config 0 rx_offload tcp_lro on" "tcp_lro needs tcp_cksum" "port config 0 rx_offload tcp_cksum off" "it is so already"
	console "port config 0 rx_offload scatter off" "port config 0 rx_offload scatter on" >"$work/out" || fail "$(cat "$work/out")"
	grep -q '^port 0: scatter off after the next port reset 0 ' "$work/out" || fail "$(cat "$work/out")"
	grep -q '^port 0: scatter on, while the port runs$' "$work/out" || fail "$(cat "$work/out")"
}
# What is off stays off over a reset, and comes back without one.
offloads_after_reset() {
	console "port reset 0" >"$work/out" || fail "$(cat "$work/out")"
	grep -q 'kept .*rx_offload .*tcp_cksum and tcp_lro off$' "$work/out" || fail "$(cat "$work/out")"
	equal "in force after a reset" "$(in_force)" ""
	wait_for 20 in_ns ping -c1 -W1 $gate || fail "no answer to ping after the reset"
	console "port config 0 rx_offload tcp_cksum on" "port config 0 rx_offload tcp_lro on" >"$work/out" || fail "$(cat "$work/out")"
	equal "switched on while the port runs" "$(grep -c ' on, while the port runs$' "$work/out")" 2
	equal "in force again" "$(in_force)" "TCP_CKSUM TCP_LRO UDP_CKSUM"
	in_ns curl -s -m 60 -o /dev/null "http://$gate/" || fail "no page with receive offloads"
}
control() {
	console "port 0 ctrl timeout 5000" "show port 0 ctrl" >"$work/out" || fail "ctrl: $(cat "$work/out")"
	equal "timeout" "$(said 'timeout ms')" 5000
	equal "broken, failed, timed out" "$(said broken) $(said failed) $(said 'timed out')" "no 0 0"
	equal "control commands not ended" "$(said 'in flight  ') $(said waiting)" "0 0"
	[ "$(said completed)" -ge 10 ] || fail "only $(said completed) control commands"
	grep -q 'NOTF_COAL .*  ok ' "$work/out" || fail "$(cat "$work/out")"
	say "packed=$packed: $(said completed) control commands, p99 $(said 'latency p99 us') us"
}

# A device that does not answer: the console does, and a reset brings the port back.
control_latency() { telemetry "$vnicd_prefix" "/vnicd/port/control,p,latency_us,$1" >/dev/null; }
hang() {
	control_latency 60000000
	check "timeout" console "port 0 ctrl timeout 300"
	refused "set promisc 0 on" "promiscuous mode" "port 0 rxq 0 coalesce usecs 1 packets 1" "broken"
	console "show port 0 ctrl" "show port 0 coalesce" >"$work/out" || fail "looking: $(cat "$work/out")"
	equal "broken, timed out" "$(said broken) $(said 'timed out')" "yes 1"
	grep -q 'why .* was not answered within 300 ms' "$work/out" || fail "$(cat "$work/out")"
	control_latency 0
	check "reset" console "port 0 ctrl timeout 604800000" "port reset 0"
	equal "broken after the reset" "$(field "show port 0 ctrl" broken)" no
	wait_for 20 in_ns ping -c1 -W1 $gate || fail "no answer to ping after the reset"
}

for packed in 0 1; do
	start "packed=$packed"
	if [ $packed = 0 ]; then
		ip -n "$ns" addr add $kernel/24 dev vtap0
		ip -n "$ns" link set vtap0 up
	fi
	wait_for 30 in_ns ping -c1 -W1 $gate || fail "no answer to ping"
	settled_pools
	ip netns exec "$ns" timeout 420 wrk -t1 -c32 -d400s --timeout 100s http://$gate/ >"$work/wrk" 2>&1 &
	wrk=$!
	at_exit "end_pid $wrk"
	wait_for 20 more_than 100 || fail "no pages"
	before=$(descriptors 1)
	resets "${before% *}"
	resizes 512 $((packed == 1 ? 100 : 32)) "${before% *}"
	table
	stations
	coalesce
	stop_and_start
	offloads
	control
	kill -INT $wrk
	wait $wrk || true
	offloads_after_reset
	[ $packed = 0 ] || hang
	! grep -E 'Socket errors|Non-2xx' "$work/wrk" || fail "wrk saw errors: $(cat "$work/wrk")"
	finish 'tcp_.*|tx_queue_full'
done
