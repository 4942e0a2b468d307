#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# _lab.sh DIRECTORY [12|13]: keeps the lab of the interop tests until it is told to end: a
# network namespace with a bridge br0, on it
#	br0     the host's kernel, 10.77.0.1
#	tap0    a guest's eth0, which becomes 10.77.0.3
#	gate0's other end; gate0 is smcgate's port, 10.77.0.2
# Starts the guest again when it has ended. Writes the namespace's name into
# DIRECTORY/ns and the guest's into DIRECTORY/guest, that one when all is ready.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
. "$top/scripts/lib-guest.sh"

lab=$1 debian=${2:-13}
guest=smcg-$$
in_lab() { ip netns exec "$ns" "$@"; }

guest_build "$debian"
new_namespace
in_lab sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
ip -n "$ns" link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
ip -n "$ns" tuntap add tap0 mode tap
ip -n "$ns" link add gate1 type veth peer name gate0
for i in br0 tap0 gate1 gate0; do
	in_lab ethtool -K $i tx off rx off tso off gso off gro off >/dev/null 2>&1 || true
	ip -n "$ns" link set $i up
done
ip -n "$ns" link set tap0 master br0
ip -n "$ns" link set gate1 master br0
ip -n "$ns" link set br0 promisc on
ip -n "$ns" addr add 10.77.0.1/24 dev br0
echo "$ns" >"$lab/ns"

while :; do
	guest_start "$guest" -k "$debian" -n "$ns" -t tap0
	echo "$guest" >"$lab/guest"
	while guest_lives "$guest"; do sleep 0.5; done
	note "the guest ended and is started again"
	rm -f "$lab/guest"
done
