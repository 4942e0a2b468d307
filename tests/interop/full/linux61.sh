#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Linux 6.1 (SMC version 2, release 0; its guest has tests/guest/smc_rxe.c): as client and
# as server, without its waiting for messages of a second link.
debian=12
. "$(dirname "$0")/../_lib.sh"

guest_smc
start_smc_gate
transfer "a first contact" smc -p 7 -n 1000
us=$(sed -n 's/.*connect_us=\([0-9]*\).*/\1/p' "$work/client")
[ "$us" -lt 1000000 ] || fail "the first contact took $us us"
guest 'smcctl lgr' | grep -q 'common.version=2 .*release=0' || fail "not version 2.0: $(guest 'smcctl lgr')"
for bytes in 1 65537 1000000 10000000; do
	transfer "echo of $bytes" smc -p 7 -n $bytes -m 30000
done
transfer "ping-pong" smc -p 7 -L 100 -m 64
transfer "half close" smc -p 7 -n 100000 -H
transfer "abort with unread data" smc -p 7 -n 20000 -m 20000 -A -W 300
transfer "small buffers" smc -p 7 -R 16384 -S 16384 -n 200000 -m 20000 -w 500
transfer "50 at once" smc -p 7 -c 50 -j 50 -n 10000
guest_serve
for bytes in 1 65537 10000000; do
	through "to the guest: $bytes" smc -n $bytes -m 30000
done
through "20 to the guest" smc -c 20 -j 10 -n 1000
guest_smc OTHER.EID
transfer "no common EID" 0x05000000/0x03030000 -p 7 -n 100000
check_guest_idle
finish "$sent_again"
