#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Front ends that are killed and come back, that send garbage; how vnicd begins and
# ends, and what it refuses. Another port goes on working meanwhile.
. "$(dirname "$0")/_vnicd.sh"

new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
vnicd_with '{"ports": [{"name": "good", "path": "$work/good.sock", "mac": "02:00:00:00:00:02"},
	{"name": "bad", "path": "$work/bad.sock", "mac": "02:00:00:00:00:03"}],
	"uplinks": [{"name": "u", "tap": "vtap0", "mac": "02:00:00:00:00:77", "mtu": 1400}]}'
equal "the interface's MTU and address" "$(ip -n "$ns" -o link show vtap0 | grep -o 'mtu [0-9]*\|link/ether [0-9a-f:]*' | xargs)" \
	"mtu 1400 link/ether 02:00:00:00:00:77"
ip -n "$ns" addr add 10.5.0.1/24 dev vtap0
for i in 2 3; do ip -n "$ns" neigh add 10.5.0.$i lladdr 02:00:00:00:00:0$i dev vtap0; done

front_end() { # NAME LAST-OCTET
	start_testpmd "$1" "path=$work/$1.sock,mac=02:00:00:00:00:0$2" --forward-mode=icmpecho
	pmd "$1" start
	pmd_says "$1" "icmpecho packet forwarding"
	port_ready "$1"
}
ping_to() { in_ns ping -q -c 3 -i 0.02 -W 2 "10.5.0.$1" >"$work/ping" && grep -q " 3 received" "$work/ping"; }
front_end good 2
check "pings" wait_for 10 ping_to 2

# Killed with packets under way, and back again.
for round in 1 2 3; do
	front_end bad 3
	check "pings to the one to be killed" wait_for 10 ping_to 3
	before=$(port bad 'd["in_packets"]')
	ip netns exec "$ns" ping -q -f 10.5.0.3 >/dev/null 2>&1 &
	flood=$!
	at_exit "kill $flood 2>/dev/null"
	until_port bad "d[\"in_packets\"] > $before + 500"
	kill -KILL "${pmd_pid[bad]}"
	until_port bad 'not d["up"] and not d["connected"]'
	end_testpmd bad
	kill $flood
	wait $flood || true
	check "pings to the other in round $round" wait_for 10 ping_to 2
done
equal "its connections" "$(port bad '(d["connects"], d["disconnects"])')" "(3, 3)"

# Garbage on the socket: each is refused or cut off, and harms nobody.
timeout 60 python3 "$here/_vhost_garbage.py" "$work/bad.sock" 60 >"$work/garbage" || fail "garbage: $(cat "$work/garbage")"
until_port bad 'not d["connected"]'
at_least "refused messages" "$(port bad 'd["refused"]')" 20
check "pings after garbage" wait_for 10 ping_to 2
front_end bad 3
check "pings to the port after garbage" wait_for 10 ping_to 3
# A second one is not let in while the first is there.
timeout 20 python3 "$here/_vhost_garbage.py" "$work/bad.sock" 3 >/dev/null 2>&1 || true
check "pings while another one wants in" wait_for 10 ping_to 3

# Asleep when there is nothing to do: less than 20 ms of CPU in a second.
ticks() { awk '{ print $14 + $15 }' "/proc/$vnicd_pid/stat"; }
idle() { local t; t=$(ticks); sleep 1; [ $(($(ticks) - t)) -le 2 ]; }
check "idle" wait_for 20 idle
turns=$(ask /vnicd/loop 'd["turns"]')
check "pings after sleep" wait_for 10 ping_to 2
at_least "turns of the loop" "$(ask /vnicd/loop 'd["turns"]')" "$turns"

equal "addresses known" "$(ask /vnicd/switch '"02:00:00:00:00:02" in str(d["addresses"])')" True
equal "kinds" "$(ask /vnicd/ports '" ".join(p["kind"] for p in d["ports"].values())')" "uplink vhost-user vhost-user"
equal "uplinks" "$(ask /vnicd/uplinks '" ".join(d)')" u
equal "a port that is not there" "$(ask /vnicd/port,x 'd["error"]')" 'there is no port "x"'

# Refusals, with vnicd running: the socket is in use, the interface is there.
run() { # ARGUMENT...
	status=0
	in_ns timeout 60 "$vnicd" --no-huge -m 16 --no-pci --file-prefix="$vnicd_prefix-2" -- "$@" >"$work/out" 2>&1 || status=$?
	[ ! -e "/run/dpdk/$vnicd_prefix-2" ] || fail "left /run/dpdk/$vnicd_prefix-2"
}
refused() { # WHAT PATTERN
	[ "$status" = 1 ] && grep -q "$2" "$work/out" || fail "$1: status $status: $(cat "$work/out")"
}
echo '{"ports": [{"name": "p", "path": "'"$work"'/good.sock"}]}' >"$work/2.json"
run -c "$work/2.json"; refused "a socket in use" "another program listens"
echo '{"ports": [{"name": "p", "path": "'"$work"'/p.sock"}], "uplinks": [{"name": "u", "tap": "vtap0"}]}' >"$work/2.json"
run -c "$work/2.json"; refused "an interface that is there" "vtap0"
echo '{"ports": [{"name": "p", "pth": "x", "mtu": 1}]}' >"$work/2.json"
run -c "$work/2.json"; refused "a bad configuration" '\$.ports\[0\].mtu'
run -c "$work/none.json"; refused "no configuration" "none.json"
run; refused "no arguments" "give -c FILE"
check "--version" "$vnicd" -- --version >/dev/null
check "--help" "$vnicd" --help >/dev/null
check "--check-config" "$vnicd" -- --check-config -c "$work/vnicd.json"

# The end while front ends are connected.
finish
