#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# QEMU's virtio-net-pci with four pairs of queues in a Linux guest, owned by our driver behind an
# emulated IOMMU. First by a program that steps through it (tests/guest/guest_net.c): pairs, filters,
# control commands, RSS against our own hash, resets, other numbers of pairs. Then by smcgate with four
# workers: numbered packets into all queues, each of which is reset and resized from the console.
# Own guests.
. "$(dirname "$0")/../integration/_lib.sh"
. "$top/scripts/lib-guest.sh"

guest=mq-guest-$$ guest_pairs=4
. "$(dirname "$0")/_port.sh"
station=02:00:00:00:00:31
config='{"ports": [{"name": "pci", "device": "@DEVICE@", "addresses": ["10.6.0.2/16"], "mac": "'$station'",
		"rx_queues": 4, "tx_queues": 4, "rx_descriptors": 256, "tx_descriptors": 256}],
	"memory": {"rx_buffers": 2048, "payload_buffers": 1024, "header_buffers": 1024},
	"services": [{"name": "web", "type": "http", "listen": "0.0.0.0:80", "body_bytes": 2000}]}'

# What the other end of the tap has to do: see tests/guest/guest_net.c.
plug() {
	new_namespace
	in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n "$ns" tuntap add gtap0 mode tap multi_queue vnet_hdr
	ip -n "$ns" addr add 10.6.0.1/16 dev gtap0
	ip -n "$ns" addr add 10.9.0.1/24 dev gtap0
	ip -n "$ns" link set gtap0 up
}

steps() { # NAME RESETS
	local tagged
	ip netns exec "$ns" python3 "$(dirname "$0")/_tagged.py" gtap0 02:00:00:00:00:77 5 >"$work/tagged" 2>&1 &
	tagged=$!
	at_exit "end_pid $tagged"
	seconds=300 guest "guest_net --in-memory -m 64 --iova-mode=va -a $device --lcores 0@0 --log-level=lib.eal:4 -- $2" \
		>"$work/steps" 2>&1 || fail "$1: $(cat "$work/steps")"
	end_pid $tagged
	say "$1: $(grep -c '^ok ' "$work/steps") steps"
}

# ---- smcgate -----------------------------------------------------------------------------------
# Of what was asked for last: a value, and a counter of the port's.
value() { sed -n "s/^ *$1  *//p" "$work/answers" | head -1; }
counter() { awk -v name="$1" '$2 == name { print $3; exit }' "$work/answers"; }
flows() { # COMMAND: its answer in $account
	echo "$*" >&"${flows[1]}"
	read -r -t 300 account <&"${flows[0]}" || fail "no answer to '$*': $(cat "$work/flows")"
}
# said WHAT EXPRESSION: of the last account, a, and of the queue with the reset, q.
said() { python3 -c 'import json, sys
a, q = json.loads(sys.argv[1]), int(sys.argv[2])
sys.exit(not eval(sys.argv[3]))' "$account" "${q:--1}" "$2" || fail "$1: $account"; }
others_lost_none='sum(n for k, n in enumerate(a["lost"]) if k != q) + a["unplaced"] == 0 and not any(a["twice"])'

# Pages by all workers, of connections that come to where our hash says.
served() { # NAME
	local i
	for i in {1..8}; do ! pages || break; done
	pages_ok || fail "$1: a pair is not used, or a page did not come: $(cat "$work/wrk" "$work/answers")"
	equal "$1: packets on a queue that is not their worker's" "$(sed -n 's/^ *steered out  *//p' "$work/answers" | xargs)" "0 0 0 0"
}
pages() {
	in_ns timeout 300 wrk -t1 -c16 -d1s --timeout 60s http://10.6.0.2/ >"$work/wrk" || return 1
	ask "show port 0 xstats _packets" "show lcore 1" "show lcore 2" "show lcore 3" "show lcore 4" "clear port xstats 0"
	pages_ok
}
pages_ok() { # at least 10 more packets each way on each pair
	local q
	! grep -qE 'Socket errors|Non-2xx' "$work/wrk" || return 1
	for q in 0 1 2 3; do
		[ "$(counter "rx_q${q}_packets")" -ge 10 ] && [ "$(counter "tx_q${q}_packets")" -ge 10 ] || return 1
	done
}

# Numbered echoes go round, by all queues: each comes back by the pair that its flow has, as
# the driver's counters say, too.
both_ways() { # NAME
	local q before=() rx tx
	flows begin
	flows end 50
	ask "show port 0 xstats _packets"
	for q in 0 1 2 3; do before+=("$(counter "rx_q${q}_packets") $(counter "tx_q${q}_packets")"); done
	flows begin
	flows end 100
	said "$1: all queues" 'min(a["sent"]) >= 100 and a["sent"] == a["came"] and sum(a["lost"] + a["twice"]) == 0 and not a["moved"]'
	ask "show port 0 xstats _packets"
	for q in 0 1 2 3; do
		rx=$(($(counter "rx_q${q}_packets") - ${before[q]% *})) tx=$(($(counter "tx_q${q}_packets") - ${before[q]#* }))
		said "$1: $rx and $tx packets counted on pair $q" "0 <= $rx - a['came'][q] < 50 and 0 <= $tx - a['came'][q] < 50"
	done
}
answered() { # NAME STATION HOW-MANY
	flows station "$2"
	flows answers $(($3 > 0 ? 20 : 1))
	said "$1" "a['answers'] == $3"
}
addresses() { # NAME
	answered "$1: frames to the address set" $station 8
	answered "$1: to the one it was made with" "$born" 0
	ask "set promisc 0 on"
	answered "$1: promiscuous" "$born" 8
	ask "set promisc 0 off"
	answered "$1: no more" "$born" 0
	answered "$1: to the address set again" $station 8
}
# One queue after the other in both directions, while packets go by the others.
resets() { # NAME SIZE...
	local q size dir commands total=0
	for q in 0 1 2 3; do
		commands=()
		for dir in rxq txq; do
			commands+=("port 0 $dir $q reset")
			for size in "${@:2}"; do commands+=("port 0 $dir $q resize $size"); done
		done
		flows begin $q
		ask "${commands[@]}"
		flows end 1
		equal "$1: queues reset alone" "$(grep -c 'the device reset this queue alone' "$work/answers" || true)" ${#commands[@]}
		equal "$1: others not out" "$(grep -cx ' *others out us  *0' "$work/answers" || true)" ${#commands[@]}
		said "$1: packets of other queues than $q" "$others_lost_none and not a['moved'] and min(a['came']) > 0"
		total=$((total + ${#commands[@]}))
		say "$1: pair $q: ${#commands[@]} resets, $account"
	done
	q=-1
	flows begin
	flows end 10
	said "$1: after the resets" 'min(a["came"]) >= 10 and sum(a["lost"] + a["twice"]) == 0'
}
# The table is told to go around a queue, and back.
around() { # NAME
	local q=1
	flows begin $q
	ask "port 0 rxq $q stop" "show port queues 0"
	grep -Eq "^ *0 +rx +$q +.* 0\.0 +stopped" "$work/answers" || fail "$1: $(cat "$work/answers")"
	flows end
	said "$1: packets of other queues" "$others_lost_none"
	flows begin $q
	flows end 10 others
	said "$1: none by the queue that is stopped" "$others_lost_none and a['came'][q] == 0 and max(a['came']) > 0"
	ask "port 0 rxq $q start"
	flows begin $q
	wait_for 20 came_again $q || fail "$1: none by the queue started: $account"
	said "$1: packets of other queues" "$others_lost_none"
}
came_again() {
	flows end
	[ "$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["came"][int(sys.argv[2])] > 0)' "$account" "$1")" = True ] && return
	flows begin "$1"
	sleep 0.2
	return 1
}
refused() { # COMMAND PATTERN...
	while [ $# -gt 0 ]; do
		ask "$1"
		grep -q "error: .*$2" "$work/answers" || fail "$1: $(cat "$work/answers")"
		shift 2
	done
}

plug
guest_start "$guest" -n "$ns" -m 768 -c 2 -d -i -T gtap0,mq=on,rss=on,hash=on
born=$(guest 'cat /sys/class/net/eth0/address')
bind vfio-pci
steps "four pairs" 64
gate_in_guest "smcgate" "$config" "--iova-mode=va --lcores 0@0,1@0,2@1,3@0,4@1"
wait_for 20 in_ns ping -q -c 1 -W 1 10.6.0.2 || fail "no answer to ping: $(guest 'tail -20 /tmp/gate.log')"
served "HTTP"
ask "set fwd icmpecho"
coproc flows { exec ip netns exec "$ns" python3 -u "$(dirname "$0")/_flows.py" gtap0 4 10.6.0.2 $station 2>"$work/flows"; }
at_exit "end_pid $flows_PID"
both_ways "echoes"
addresses "addresses"
resets "reset under echoes" 128 256
around "a receive queue stopped"
refused "port 0 rxq 1 coalesce usecs 50 packets 8" "coalesce" "port 0 rxq 1 resize 512" "allowed 8..256" \
	"port 0 txq 4 reset" "found '4', allowed 0..3"
ask "show port 0 ctrl" "set fwd serve"
equal "control queue broken" "$(value broken)" no
served "HTTP after it"
end_gate_in_guest "smcgate"
guest_stop "$guest"
