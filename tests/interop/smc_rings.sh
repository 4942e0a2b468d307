#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The ends of buffers, with the smallest there are (16 KiB): wrapped often and at every
# alignment, filled to the last octet, the writer blocked until the reader comes.
. "$(dirname "$0")/_lib.sh"

guest_smc
start_smc_gate '{"smc": {"rmb_size": 16384, "sndbuf_size": 16384}}'
small='-R 16384 -S 16384'
for message in 1 999 5000 16383 16384 16385 40000; do
	bytes=$((message < 100 ? 40000 : 400000))
	transfer "wrapped by writes of $message" smc -p 7 $small -n $bytes -m $message
done
grep -q 'rmb=16384 peer_rmb=16384' "$work/client" || fail "other buffers: $(cat "$work/client")"
transfer "a blocked writer" smc -p 7 $small -n 200000 -m 20000 -w 1500
transfer "ten blocked writers" smc -p 7 $small -c 10 -j 10 -n 200000 -m 20000 -w 1000
transfer "larger buffers than ours" smc -p 7 -R 262144 -S 262144 -n 2000000 -m 60000 -w 500

guest_serve $small -w 1500
through "a blocked writer of ours" smc -n 200000 -m 20000
guest_serve -R 65536 -S 16384
through "small buffers there" smc -n 1000000 -m 20000
check_guest_idle
finish "$sent_again"
