#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Neighbours: learnt, aged and probed, changed while connections are open; another
# claiming our address is told of; gratuitous ARP at the start.
# Long: 19 s, entries age.
. "$(dirname "$0")/_lib.sh"

known() { console "show arp" | awk -v a=$kernel '$1 == a { print $2, $4 }'; }
mac_is() { [ "$(known | cut -d' ' -f1 | tr A-F a-f)" = "$1" ]; }
start_gate '{"arp": {"reachable_ms": 1000}, "tcp": {"rto_max_ms": 1000}}'
first=$(ip -n "$ns" -o link show dtap0 | sed -n 's/.*ether \([0-9a-f:]*\).*/\1/p')
mac_is "$first" || fail "the kernel's address was not learnt: $(console "show arp")"

# A connection lives on while the kernel's address changes.
ip netns exec "$ns" python3 - >"$work/talk" 2>&1 <<'PY' &
import socket
import time
s = socket.create_connection(("10.77.0.2", 7), timeout=60)
print("under way", flush=True)
for i in range(60):
    s.sendall(b"x" * 1000)
    got = 0
    while got < 1000:
        got += len(s.recv(1000))
    time.sleep(0.1)
PY
talk=$!
wait_for 30 grep -q "under way" "$work/talk" || fail "no connection: $(cat "$work/talk")"
sleep 1
ip -n "$ns" link set dtap0 address 02:00:00:00:77:01 2>/dev/null || {
	ip -n "$ns" link set dtap0 down
	ip -n "$ns" link set dtap0 address 02:00:00:00:77:01
	ip -n "$ns" link set dtap0 up
}
wait_for 30 mac_is 02:00:00:00:77:01 || fail "the new address was not learnt: $(console "show arp")"
check "the connection across the change: $(cat "$work/talk")" wait $talk

# Nothing to say for longer than reachable_ms: probed or forgotten, then found again.
sleep 2.5
equal "page after ageing" "$(in_ns curl -s -m 60 http://$gate/ | wc -c)" 1024

# Another station claims our address: said in the log, and we keep it.
in_ns python3 - <<'PY'
from scapy.all import ARP, Ether, conf
wire = conf.L2socket(iface="dtap0")
other = "02:66:66:66:66:66"
for _ in range(3):
    wire.send(Ether(dst="ff:ff:ff:ff:ff:ff", src=other) / ARP(op=1, hwsrc=other, psrc="10.77.0.2", pdst="10.77.0.2"))
PY
wait_for 20 grep -qi '02:66:66:66:66:66' "$smcgate_log" || fail "a conflict was not told: $(tail -3 "$smcgate_log")"
ip -n "$ns" neigh flush dev dtap0
equal "page after the conflict" "$(in_ns curl -s -m 60 http://$gate/ | wc -c)" 1024
finish "arp_.*|$sent_again"
