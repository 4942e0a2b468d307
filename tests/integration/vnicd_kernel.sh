#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Two kernels talk TCP through vnicd's switch: segments far larger than the MTU go
# through unsegmented, and with faults the data still arrives whole.
. "$(dirname "$0")/_vnicd.sh"

new_namespace
other=$ns
new_namespace
for n in "$ns" "$other"; do
	ip netns exec "$n" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
done
head -c 20000000 /dev/urandom >"$work/file"

# fetch NAME UPLINK-KEYS: the file from one kernel by the other.
fetch() {
	vnicd_with '{"ports": [{"name": "p", "path": "$work/p.sock"}], "uplinks": [
		{"name": "u", "tap": "vtap0"'"$2"'}, {"name": "w", "tap": "vtap1"'"$2"'}]}'
	ip -n "$ns" link set vtap1 netns "$other"
	ip -n "$other" link set vtap1 up
	ip -n "$ns" addr add 10.5.0.1/24 dev vtap0
	ip -n "$other" addr add 10.5.0.2/24 dev vtap1
	ip netns exec "$other" python3 -m http.server --bind 10.5.0.2 --directory "$work" 8080 >/dev/null 2>&1 &
	web=$!
	at_exit "end_pid $web"
	wait_for 20 in_ns curl -sf -m 5 -o /dev/null -r 0-0 http://10.5.0.2:8080/file || fail "$1: no answer"
	check "$1: transfer" in_ns curl -sf -m 60 -o "$work/copy" http://10.5.0.2:8080/file
	check "$1: the same octets" cmp "$work/file" "$work/copy"
	end_pid $web
	! gone "$vnicd_pid" || fail "$1: vnicd ended"
}
fetch "offloads" ""
at_least "segments from the kernel" "$(port w 'd["gso_in"]')" 100
at_least "segments to the kernel" "$(port u 'd["gso_out"]')" 100
check "packets are larger than the MTU" [ "$(port w 'd["in_bytes"] // d["in_packets"]')" -gt 3000 ]

# UDP unsegmented, where the kernel knows that: 30 times 40 datagrams in one packet each.
udp() {
	ip netns exec "$other" timeout 20 python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
s.bind(("10.5.0.2", 7))
s.settimeout(10)
print("bound", flush=True)
print(sum(s.recv(2000) == bytes([i % 40]) * 1200 for i in range(1200)), flush=True)' >"$work/udp" &
	wait_for 10 grep -q bound "$work/udp" || fail "no receiver of datagrams"
	in_ns python3 -c '
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(17, 103, 1200) # UDP_SEGMENT
for i in range(30):
    s.sendto(b"".join(bytes([n]) * 1200 for n in range(40)), ("10.5.0.2", 7))
    time.sleep(0.005)'
	wait $!
	equal "datagrams that came whole" "$(tail -1 "$work/udp")" 1200
}
before=$(port u 'd["gso_in"]')
udp
if [ "$(port u 'd["uso"]')" = True ]; then
	at_least "UDP segments from the kernel" "$(($(port u 'd["gso_in"]') - before))" 30
fi
equal "drops" "$(port u 'sum(d["drops"].values()) - d["drops"]["in_no_other_port"]')" 0
finish
fetch "no offloads, two queues" ', "offloads": false, "queues": 2'
equal "segments from the kernel" "$(port w 'd["gso_in"]')" 0
finish
fetch "faults" ', "faults": {"drop": 2000, "duplicate": 2000, "reorder": 2000, "corrupt": 2000, "seed": 5}'
at_least "faults" "$(port w 'd["faults"]["dropped"] + d["faults"]["corrupted"] + d["faults"]["duplicated"]')" 3
finish
