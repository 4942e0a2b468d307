#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A device that has moved asks smcgate to announce itself: its addresses are announced on
# the network, and the device is told afterwards. A port without addresses leaves it to the device.
. "$(dirname "$0")/_vnicd.sh"

new_namespace
cd "$work"
vnicd_with '{"ports": [{"name": "p", "path": "$work/p.sock"}, {"name": "q", "path": "$work/q.sock"}],
	"uplinks": [{"name": "u", "tap": "vann0"}]}'
in_ns sysctl -qw net.ipv4.conf.all.arp_accept=1 net.ipv4.conf.vann0.arp_accept=1
ip -n "$ns" addr add 10.77.0.1/24 dev vann0
ip -n "$ns" link set vann0 up
cat >gate.json <<-END
	{"ports": [{"name": "p", "device": "net_vnic0", "vdev": "net_vnic0,path=$work/p.sock", "addresses": ["10.77.0.2/24", "10.77.0.3/24"]},
		{"name": "q", "device": "net_vnic1", "vdev": "net_vnic1,path=$work/q.sock"}],
	 "memory": {"rx_buffers": 4096, "payload_buffers": 4096, "header_buffers": 4096}}
END
huge_pages 200 400
start_smcgate "$work/gate.json" --lcores '0@0,1@1'
wait_for 30 in_ns ping -c1 -W1 10.77.0.2 || fail "no answer to ping"

knows() { in_ns ip neigh show dev vann0 | grep -q "^$1 lladdr"; }
forgotten() { in_ns ip neigh flush dev vann0 && ! knows 10.77.0.3; }
for turn in 1 2; do
	sleep 2.5 # what was announced before is over
	wait_for 5 forgotten || fail "the kernel forgets nothing"
	fault p,announce
	wait_for 5 knows 10.77.0.3 || fail "turn $turn: 10.77.0.3 was not announced: $(in_ns ip neigh)"
	wait_for 5 knows 10.77.0.2 || fail "turn $turn: 10.77.0.2 was not announced"
	until_port p 'not d["announce"]' # told
done
[ "$(ask /vnicd/port/fault,q,announce 'd.get("error", d.get("result"))')" != "done" ] ||
	fail "a port without addresses promises to announce them"
finish
