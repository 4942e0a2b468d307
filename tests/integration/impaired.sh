#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 5 % of the packets lost each way, 5 % reordered, by a relay between the kernel and
# smcgate: transfers both ways end, whole.
. "$(dirname "$0")/_lib.sh"

gate_no_address=1
start_gate
start_relay --loss 0.05 --reorder 0.05 --seed $RANDOM
transfer() { # NAME MODE MIB SERVER TARGET
	local begin=${EPOCHREALTIME/./}
	check "$1" in_ns timeout 200 python3 "$here/_bulk.py" "${@:2}"
	say "$1: $3 MiB in $(((${EPOCHREALTIME/./} - begin) / 1000)) ms"
}
transfer "echo" echo 3 - $gate:7
transfer "down through the proxy" down 3 $kernel:8081 $gate:8080
transfer "up through the proxy" up 3 $kernel:8081 $gate:8080
in_ns timeout 120 curl -sf -m 110 -o /dev/null "http://$gate/?[1-100]" || fail "100 requests"
console "show tcp stats" | grep -E 'retrans|fast rec|rto|tlp|dsack|ooo|spurious' || true
end_pid "$relay_pid"
cat "$work/relay"
idle_seconds=100 finish 'tcp_.*|ip_.*|frag_.*|neigh_.*|arp_.*'
