#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# One VLAN, tagged and untagged by a relay where the kernel has no VLAN devices:
# transfers work, untagged frames and other tags are dropped and counted.
. "$(dirname "$0")/_lib.sh"

gate_no_address=1
start_gate '{"port": {"vlan": 100}}'
start_relay --vlan 100
equal "page" "$(in_ns curl -s -m 60 http://$gate/ | wc -c)" 1024
check "echo" in_ns timeout 100 python3 "$here/_bulk.py" echo 8 - $gate:7
check "proxy" in_ns timeout 100 python3 "$here/_bulk.py" down 8 $kernel:8081 $gate:8080
in_ns python3 - <<'PY'
from scapy.all import ARP, Dot1Q, Ether, conf
wire, dst = conf.L2socket(iface="dtap0"), "ff:ff:ff:ff:ff:ff"
ask = ARP(pdst="10.77.0.2", psrc="10.77.0.9", op=1)
for _ in range(4):
    wire.send(Ether(dst=dst) / ask)
    wire.send(Ether(dst=dst) / Dot1Q(vlan=101) / ask)
PY
dropped() { [ "$(lost_count vlan_unknown)" -ge 8 ]; }
wait_for 30 dropped || fail "frames of other VLANs: $(lost)"
finish 'vlan_.*|tcp_.*'
