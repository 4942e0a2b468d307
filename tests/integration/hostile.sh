#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Malformed and forged frames: each is dropped under the right reason, and the
# service goes on.
. "$(dirname "$0")/_lib.sh"

gate_mac() { ip -n "$ns" neigh show $gate dev dtap0 | sed -n 's/.*lladdr \([0-9a-f:]*\).*/\1/p'; }
start_gate '{"icmp": {"rate": 100000}, "tcp": {"synack_retries": 1}, "ip": {"reassembly_ms": 2000}}'
mac=$(gate_mac)
[ -n "$mac" ] || fail "no address of smcgate's"
echo keep >"$work/www/keep"

coproc ip netns exec "$ns" python3 -u "$here/_hostile.py" "$mac"
send() {
	local answer
	echo "$1" >&"${COPROC[1]}" && read -r -t 60 answer <&"${COPROC[0]}" && [ "$answer" = sent ]
}
# counted REASON KIND N: N frames of KIND, and no more, end under REASON.
counted() {
	local before
	before=$(lost_count "$1")
	send "$2" || fail "scapy: $2"
	holds "$2 as $1" $((before + $3)) lost_count "$1"
	alive
}
counted ip_version version 2
counted ip_ihl ihl 2
counted ip_length length 2
counted ip_checksum checksum 3
counted ip_bad_source martians 5
counted ip_source_route source-route 2
counted ip_bad_option options 2
counted ip_proto_unknown proto 2
counted ip_not_ours not-ours 2
counted frag_tiny frag-tiny 2
counted frag_overlap frag-overlap 1
counted tcp_checksum tcp-checksum 2
counted tcp_data_offset tcp-offset 2
counted tcp_short tcp-short 2
counted tcp_bad_flags tcp-flags 4
counted tcp_port_zero tcp-port0 2
counted icmp_checksum icmp-checksum 2
counted icmp_short icmp-short 2
counted arp_bad arp-bad 2
counted udp_no_port udp 2
counted eth_type_unknown ethertype 2
send noise || fail "noise"

# A forged answer does not take over a neighbour that is known and alive.
send arp-spoof || fail "scapy: arp-spoof"
equal "a page after all this" "$(in_ns curl -s -m 60 http://$gate/ | wc -c)" 1024
check "a transfer after all this" in_ns timeout 100 python3 "$here/_bulk.py" echo 10 - $gate:7
finish '.*'
