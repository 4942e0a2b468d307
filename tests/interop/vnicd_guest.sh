#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Linux's virtio_net driver on a port of vnicd: split and packed rings, segments of 64 KiB
# both ways, a driver that goes and comes, a vnicd that ends and returns.
# Own guests.
. "$(dirname "$0")/../integration/_vnicd.sh"
. "$top/scripts/lib-guest.sh"

guest=vnicd-guest-$$
new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1

guest() { guest_exec "$guest" -t "${seconds:-30}" "$1"; }

# The switch has a tap on the other side.
plug() {
	vnicd_with '{"ports": [{"name": "g", "path": "$work/g.sock", "queues": 2}], "uplinks": [{"name": "u", "tap": "vtap0"}]}'
	ip -n "$ns" addr add 10.5.0.1/24 dev vtap0
}
reachable() {
	local i
	for i in {1..40}; do
		! in_ns ping -q -c 1 -W 1 10.5.0.2 >/dev/null || return 0
		sleep 0.1
	done
	fail "$1: the guest does not answer: $(port g d)"
}

# One connection from the guest: it gets what is in $work/data, and what it sends goes to $work/got.
serve() { # PORT
	rm -f "$work/serve"
	in_ns timeout 300 python3 -c '
import shutil, socket, sys
s = socket.create_server(("10.5.0.1", int(sys.argv[1])))
print("listening", flush=True)
c = s.accept()[0]
if sys.argv[1] == "5001":
    c.sendall(open(sys.argv[2] + "/data", "rb").read())
    c.shutdown(socket.SHUT_WR)
    c.recv(1)
else:
    shutil.copyfileobj(c.makefile("rb"), open(sys.argv[2] + "/got", "wb"))' "$1" "$work" >"$work/serve" &
	server=$!
	at_exit "end_pid $server"
	wait_for 20 grep -q listening "$work/serve"
}

# transfer NAME: 2 MiB to the guest and back, whole.
transfer() {
	head -c 2097152 /dev/urandom >"$work/data"
	serve 5001
	seconds=60 guest 'nc 10.5.0.1 5001 </dev/null >/tmp/data'
	check "$1: to the guest" wait $server
	serve 5002
	seconds=60 guest 'nc 10.5.0.1 5002 </tmp/data'
	check "$1: from the guest" wait $server
	check "$1: octets" cmp "$work/data" "$work/got"
}

# round NAME QEMU-OPTIONS [SEGMENTS]: with these options of the device; segments of 64 KiB are there.
round() {
	plug
	guest_start "$guest" -m 256 -U "$work/g.sock$2"
	guest 'ip addr add 10.5.0.2/24 dev eth0; ip link set eth0 up'
	reachable "$1"
	transfer "$1"
	if [ -n "${3:-}" ]; then
		at_least "$1: segments to the guest" "$(port g 'd["queues"]["0"]["gso_packets"]')" 1
		at_least "$1: segments from the guest" "$(port g 'd["queues"]["1"]["gso_packets"]')" 1
	fi
	equal "$1: ring errors" "$(port g 'd["ring_errors"]')" 0

	guest 'ip link set eth0 down; ip link set eth0 up'
	reachable "$1: interface down and up"
	guest 'd=$(basename $(readlink /sys/class/net/eth0/device)); cd /sys/bus/virtio/drivers/virtio_net
		echo $d >unbind; echo $d >bind; sleep 1; ip addr add 10.5.0.2/24 dev eth0; ip link set eth0 up'
	reachable "$1: driver unbound and bound"
	transfer "$1: after that"

	# QEMU does not know how far a packed ring has come when nobody tells it any more.
	case $2 in *packed*) ;; *)
		finish
		plug
		reachable "$1: vnicd ended and returned"
		transfer "$1: after that"
		;;
	esac
	equal "$1: ring errors at last" "$(port g 'd["ring_errors"]')" 0
	guest_stop "$guest"
	until_port g 'not d["up"]'
	finish
}

round split "" yes
round packed ,packed=on yes
round "two pairs" ,mq=on yes
round "without mergeable buffers" ,mrg_rxbuf=off
