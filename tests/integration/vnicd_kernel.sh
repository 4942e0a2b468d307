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
equal "drops" "$(port u 'sum(d["drops"].values()) - d["drops"]["in_no_other_port"]')" 0
finish
fetch "no offloads, two queues" ', "offloads": false, "queues": 2'
equal "segments from the kernel" "$(port w 'd["gso_in"]')" 0
finish
fetch "faults" ', "faults": {"drop": 2000, "duplicate": 2000, "reorder": 2000, "corrupt": 2000, "seed": 5}'
at_least "faults" "$(port w 'd["faults"]["dropped"] + d["faults"]["corrupted"] + d["faults"]["duplicated"]')" 3
finish
