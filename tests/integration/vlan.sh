#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# One VLAN: the kernel's end is dtap0.100, untagged frames and other tags are
# dropped and counted.
. "$(dirname "$0")/_lib.sh"

gate_no_address=1
start_gate '{"port": {"vlan": 100}}'
ip -n "$ns" link set dtap0 up
ip -n "$ns" link add link dtap0 name dtap0.100 type vlan id 100 2>/dev/null || skip "this kernel has no VLAN devices"
kernel_side dtap0.100
idle_pools=$(pools)
equal "page" "$(in_ns curl -s -m 5 http://$gate/ | wc -c)" 1024
check "echo" in_ns timeout 60 python3 "$here/_bulk.py" echo 20 - $gate:7
check "proxy" in_ns timeout 60 python3 "$here/_bulk.py" down 20 $kernel:8081 $gate:8080
before=$(lost)
in_ns python3 - <<'PY'
from scapy.all import ARP, Dot1Q, Ether, sendp
ask = ARP(pdst="10.77.0.2", psrc="10.77.0.9", op=1)
dst = "ff:ff:ff:ff:ff:ff"
sendp([Ether(dst=dst) / ask] * 3 + [Ether(dst=dst) / Dot1Q(vlan=101) / ask] * 4, iface="dtap0", verbose=0)
PY
sleep 0.3
equal "frames of other VLANs" "$(lost_count vlan_other)" 7
finish 'vlan_.*|tcp_duplicate_data'
