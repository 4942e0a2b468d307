#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A Linux client with our echo service over SMC-R: 1 octet to 50 MB, verified, by AF_SMC
# and IPPROTO_SMC; link groups are used again.
. "$(dirname "$0")/_lib.sh"

guest_smc
start_smc_gate
for kind in '' -I; do
	for bytes in 1 64 1000 4096 65535 65536 65537 1000000; do
		transfer "echo of $bytes ${kind:-AF_SMC}" smc $kind -p 7 -n $bytes -m 30000
	done
done
transfer "echo of 50 MB" smc -t 400 -p 7 -n 50000000 -m 65536
transfer "small writes" smc -p 7 -n 20000 -m 100
transfer "ping-pong" smc -p 7 -L 200 -m 64
transfer "a service without SMC" 0x03010000 -p 70 -n 10000
groups=$(guest_groups)
[ "$groups" = 1 ] || [ "$groups" = 2 ] || fail "$groups link groups, wanted one for each lcore"
guest 'smcctl lgr' | grep -q 'common.release=1 .*eid=SMCGATE.TEST' || fail "not version 2.1: $(guest 'smcctl lgr')"
check_guest_idle
finish "$sent_again"
