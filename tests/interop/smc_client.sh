#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Our proxy with a Linux server over SMC-R, for clients that speak TCP: 1 octet to 50 MB,
# verified; AF_SMC and IPPROTO_SMC.
. "$(dirname "$0")/_lib.sh"

guest_smc
start_smc_gate
for kind in '' -I; do
	guest_serve $kind
	for bytes in 1 4096 65536 1000000; do
		through "echo of $bytes ${kind:-AF_SMC}" smc -n $bytes -m 30000
	done
done
through "echo of 50 MB" smc -t 400 -n 50000000 -m 65536
through "ping-pong" smc -L 200 -m 64
through "50 short ones" smc -c 50 -j 5 -n 500
grep -q 'role=server' "$work/server" || fail "the guest was not the server"
check_guest_idle
finish "$sent_again"
