#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 1 GiB each way between the kernel's sockets and smcgate's, with checksums: into
# the echo service and back at once. Then through the proxy, down and up, between a
# kernel client and a kernel server, and into discard.
. "$(dirname "$0")/_lib.sh"

start_gate
timed() { # NAME MODE MIB SERVER TARGET
	local begin=${EPOCHREALTIME/./} us
	check "$1" in_ns timeout 280 python3 "$here/_bulk.py" "${@:2}"
	us=$((${EPOCHREALTIME/./} - begin))
	say "$1: $3 MiB in $((us / 1000)) ms, $(($3 * 8388608 / us)) Mb/s"
}

timed "echo, both ways at once" echo 1024 - $gate:7
timed "down through the proxy" down 256 $kernel:8081 $gate:8080
timed "up through the proxy" up 256 $kernel:8081 $gate:8080
timed "discard" discard 256 - $gate:9
# The kernel probes tails and repeats what was only late.
finish "$sent_again"
