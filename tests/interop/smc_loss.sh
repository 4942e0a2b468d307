#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Packets lost in both directions, of RoCE, CLC and TCP alike: the data is whole, and it
# was SMC.
. "$(dirname "$0")/_lib.sh"

lose() { # ONE-IN
	guest "tc qdisc add dev eth0 root netem loss $((100 / $1))% &&
		tc qdisc add dev eth0 ingress &&
		tc filter add dev eth0 parent ffff: matchall action gact ok random netrand drop $1" ||
		fail "cannot lose packets in the guest"
}
keep() { guest 'tc qdisc del dev eth0 root; tc qdisc del dev eth0 ingress'; }

guest_smc
start_smc_gate
transfer "without loss" smc -p 7 -n 100000
lose 100
transfer "1 % lost" smc -t 200 -p 7 -n 3000000 -m 30000
transfer "1 % lost, 10 at once" smc -t 200 -p 7 -c 10 -j 10 -n 200000 -m 30000
guest_serve
through "1 % lost, to the guest" smc -t 200 -n 3000000 -m 30000
keep
lose 20
transfer "5 % lost" smc -t 200 -p 7 -n 500000 -m 30000
keep
transfer "without loss again" smc -p 7 -n 1000000
check_guest_idle
# ARP is lost as well, and what waits for it.
finish "tcp_.*|ip_.*|arp_.*|neigh_.*|$sent_again"
