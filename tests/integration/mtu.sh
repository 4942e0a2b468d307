#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# MTU 576, 1500 and 9000: transfers with checksums both ways, no packet of ours is
# larger, and every checksum on the wire is right.
. "$(dirname "$0")/_lib.sh"

for mtu in 576 1500 9000; do
	port="\"mtu\": $mtu" memory=
	if [ $mtu = 9000 ]; then # more than DPDK's tap takes
		gate_veth=9000
		port+=', "device": "net_pcap0", "vdev": "net_pcap0,iface=gate0"'
		memory=', "memory": {"rx_buffers": 16384}'
	fi
	start_gate "{\"port\": {$port}$memory}"
	ip -n "$ns" link set dtap0 mtu $mtu
	ip netns exec "$ns" tcpdump -q -i dtap0 -s 200 -B 65536 -w "$work/$mtu.pcap" "ip src $gate" >/dev/null 2>"$work/all.said" &
	tcpdump_pid=$!
	ip netns exec "$ns" tcpdump -q -i dtap0 -c 400 -s 0 -w "$work/$mtu.whole.pcap" "ip src $gate" >/dev/null 2>"$work/whole.said" &
	whole_pid=$!
	at_exit "kill $tcpdump_pid $whole_pid 2>/dev/null"
	wait_for 30 grep -q "listening on" "$work/all.said" && wait_for 30 grep -q "listening on" "$work/whole.said" ||
		fail "tcpdump: $(cat "$work/all.said" "$work/whole.said")"
	check "echo at MTU $mtu" in_ns timeout 100 python3 "$here/_bulk.py" echo 6 - $gate:7
	check "proxy at MTU $mtu" in_ns timeout 100 python3 "$here/_bulk.py" down 4 $kernel:8081 $gate:8080
	check "ping larger than MTU $mtu" in_ns ping -q -c2 -i0.2 -W10 -s $((mtu + 100)) $gate
	sleep 0.3
	end_pid $tcpdump_pid
	wait_for 30 gone $whole_pid || fail "fewer than 400 packets seen at MTU $mtu"
	largest=$(tshark -r "$work/$mtu.pcap" -T fields -e ip.len 2>/dev/null | sort -n | tail -1)
	equal "largest packet at MTU $mtu" "$largest" $mtu
	bad=$(tshark -r "$work/$mtu.whole.pcap" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE \
		-Y 'tcp.checksum.status == 0 || ip.checksum.status == 0' 2>/dev/null | wc -l)
	good=$(tshark -r "$work/$mtu.whole.pcap" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE \
		-Y 'tcp.checksum.status == 1 && ip.checksum.status == 1' 2>/dev/null | wc -l)
	equal "wrong checksums at MTU $mtu" "$bad" 0
	[ "$good" -gt 350 ] || fail "only $good checksums seen at MTU $mtu"
	finish "$sent_again"
done
