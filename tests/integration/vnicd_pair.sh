#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Two stock front ends on two ports: what one sends the other receives, both ways,
# on split and packed rings, mergeable or not, with several queues, in both modes.
. "$(dirname "$0")/_vnicd.sh"

new_namespace
a=02:00:00:00:00:0a b=02:00:00:00:00:0b
packets=20000

# pair NAME MODE-OF-A VDEV-A VDEV-B QUEUES: a sends to b, which sends back what it gets.
pair() {
	local name=$1 mode=$2 va=$3 vb=$4 queues=$5 q=()
	vnicd_with '{"ports": [
		{"name": "a", "path": "$work/a.sock", "mode": "'"$mode"'", "queues": '"$queues"', "retry_ms": 20},
		{"name": "b", "path": "$work/b.sock", "queues": '"$queues"'}]}'
	[ "$mode" = server ] || va=$va,server=1
	[ "$queues" = 1 ] || q=(--rxq="$queues" --txq="$queues")
	start_testpmd a "path=$work/a.sock,mac=$a,queues=$queues,$va" --forward-mode=flowgen --flowgen-flows=64 \
		--eth-peer=0,$b "${q[@]}"
	start_testpmd b "path=$work/b.sock,mac=$b,queues=$queues,$vb" --forward-mode=macswap "${q[@]}"
	pmd b "set promisc all on"
	pmd b start
	pmd_says b "macswap packet forwarding"
	port_ready a
	port_ready b
	pmd a start
	pmd_says a "flowgen packet forwarding"
	wait_for 60 pmd_received a $packets || fail "$name: $(pmd_stat a ipackets) packets came back"
	pmd a stop
	pmd_says a "Done"
	at_least "$name: packets from a" "$(port a 'd["in_packets"]')" $packets
	at_least "$name: packets from b" "$(port b 'd["in_packets"]')" $packets
	equal "$name: ring errors" "$(ask /vnicd/ports 'len(d["ports"])') $(port a 'd["ring_errors"]') $(port b 'd["ring_errors"]')" "2 0 0"
	# What a sent is what b got and what was dropped for want of buffers, and nothing else.
	equal "$name: a to b" "$(balance a b)" 0
	[ "$queues" = 1 ] || at_least "$name: receive queues of b used" \
		"$(port b 'sum(q["packets"] > 0 for q in d["queues"].values() if q["vq"] % 2 == 0)')" 2
	end_testpmd a
	end_testpmd b
	[ "$mode" = server ] || rm -f "$work/a.sock"
	finish
}
# Packets taken from one that neither reached the other nor are counted as dropped, once all is quiet.
balance() {
	local in out
	in=$(port "$1" 'd["in_packets"] - sum(d["drops"].values())')
	out=$(port "$2" 'sum(q["packets"] for q in d["queues"].values() if q["vq"] % 2 == 0) + sum(v for k, v in d["device_drops"].items() if k.startswith("rx"))')
	echo $((in - out))
}
pair "split" server queue_size=512 queue_size=256 1
pair "packed" server packed_vq=1 packed_vq=1 1
pair "split and packed, not mergeable" server mrg_rxbuf=0 packed_vq=1,mrg_rxbuf=0 1
pair "four queues" server queue_size=256 packed_vq=1 4
pair "in order, a listens" client in_order=1 packed_vq=1,in_order=1,mrg_rxbuf=0 1
