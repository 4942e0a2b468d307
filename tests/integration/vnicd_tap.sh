#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A kernel interface and a stock front end on vnicd: the kernel's pings are answered by
# testpmd, on every kind of ring, in both modes of the socket, small and of 64 KiB.
. "$(dirname "$0")/_vnicd.sh"

new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1

# Five pings of so many octets come back. Once more if not: ping waits for no longer than two
# round trips, however busy the machine is, and testpmd throws away what it finds at its start.
answered() {
	in_ns ping -q -c 5 -i 0.02 -W 5 -M "do" -s "$1" 10.5.0.2 >"$work/ping" && grep -q " 5 received" "$work/ping"
}

# ring NAME MODE VDEV-ARGUMENTS SIZES...: pings of these sizes come back.
ring() {
	local name=$1 mode=$2 vdev=$3 i; shift 3
	vnicd_with '{"ports": [{"name": "p", "path": "$work/p.sock", "mode": "'"$mode"'", "mtu": 65500, "retry_ms": 20}],
		"uplinks": [{"name": "u", "tap": "vtap0", "mtu": 65500}]}'
	ip -n "$ns" addr add 10.5.0.1/24 dev vtap0
	ip -n "$ns" neigh add 10.5.0.2 lladdr 02:00:00:00:00:01 dev vtap0
	[ "$mode" = server ] || vdev=$vdev,server=1
	case $vdev in *mrg_rxbuf=0*) large=() ;; *) large=(--max-pkt-len=9000 --enable-scatter) ;; esac
	start_testpmd a "path=$work/p.sock,mac=02:00:00:00:00:01,$vdev" --forward-mode=icmpecho "${large[@]}"
	pmd a start
	pmd_says a "icmpecho packet forwarding"
	port_ready p
	for i; do
		wait_for 20 answered "$i" || fail "$name: pings of $i octets: $(cat "$work/ping")"
	done
	equal "$name: drops" "$(port p 'sum(d["device_drops"].values()) + sum(d["drops"].values())')" 0
	equal "$name: ring errors" "$(port p 'd["ring_errors"]')" 0
	at_least "$name: straight into the driver's buffers" "$(port u 'd["direct"] + d["moved"] + d["staged"]')" 5
	end_testpmd a
	until_port p 'not d["up"]'
	[ "$mode" = server ] || rm -f "$work/p.sock"
	finish
}
ring split server queue_size=1024 56 1472 8000 64000
ring "split, not mergeable" server mrg_rxbuf=0 56 1472
ring packed server packed_vq=1,queue_size=1024 56 1472 8000 64000
ring "packed, not mergeable" server packed_vq=1,mrg_rxbuf=0 56 1472
ring "in order" server in_order=1 56 1472
ring "packed, not in order" client packed_vq=1,in_order=0,queue_size=1024 56 8000
ring "client" client queue_size=1024 56 8000
