#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Falling back to TCP, with the guest as client and as server: the reason is known there,
# the data begins where it should.
. "$(dirname "$0")/_lib.sh"

# both CASE CLIENT'S SERVER'S: transfers each way, carried so.
both() {
	transfer "$1: client" "$2" -p 7 -n 100000 -m 20000
	transfer "$1: client, IPPROTO_SMC" "$2" -I -p 7 -n 1
	transfer "$1: 10 at once" "$2" -p 7 -c 10 -j 10 -n 5000
	guest_serve
	through "$1: server" "$3" -n 100000 -m 20000
	through "$1: server, 10 at once" "$3" -c 10 -j 10 -n 5000
	check_guest_idle
}

# What our console counts: counted ROLE WHOSE REASON.
counted() {
	console "show smc stats" |
		awk -v want="$1 $2 $3" '$1 " " $2 " " $3 == want { n += $5 } END { print n + 0 }'
}

guest_smc OTHER.EID
start_smc_gate '{"smc": {"failures": 1000}}'
declined=0x05000000/0x03030000 own=0x03030000
both "no common EID" $declined "0x0303.*"
equal "declined by us" "$(counted server ours NOSMCDEV)" 12
equal "declined by the guest" "$(counted client ours PEERDECL)" 11

guest_tcp
both "no RDMA device in the guest" $own "0x0303.*"
equal "declined instead of proposed" "$(counted server "peer's" NOSMCDEV)" 12

guest_smc
transfer "a TCP client" tcp -T -p 7 -n 100000
guest_serve -T
through "a TCP server" tcp -n 100000
equal "TCP clients" "$(counted server ours PEER_NO_SMC)" 1
equal "TCP servers" "$(counted client ours PEER_NO_SMC)" 1
both "after all that SMC" smc smc
finish "$sent_again"
