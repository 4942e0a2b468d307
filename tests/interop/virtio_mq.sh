#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# QEMU's virtio-net-pci with four pairs of queues in a Linux guest, owned by our driver behind an
# emulated IOMMU: a program steps through it (tests/guest/guest_net.c): pairs, filters, control commands, RSS
# against our own hash, resets, other numbers of pairs.
# Own guests.
. "$(dirname "$0")/../integration/_lib.sh"
. "$top/scripts/lib-guest.sh"

guest=mq-guest-$$ guest_pairs=4
. "$(dirname "$0")/_port.sh"

# What the other end of the tap has to do: see tests/guest/guest_net.c.
plug() {
	new_namespace
	in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n "$ns" tuntap add gtap0 mode tap multi_queue vnet_hdr
	ip -n "$ns" addr add 10.6.0.1/16 dev gtap0
	ip -n "$ns" addr add 10.9.0.1/24 dev gtap0
	ip -n "$ns" link set gtap0 up
}

steps() { # NAME RESETS
	local tagged
	ip netns exec "$ns" python3 "$(dirname "$0")/_tagged.py" gtap0 02:00:00:00:00:77 5 >"$work/tagged" 2>&1 &
	tagged=$!
	at_exit "end_pid $tagged"
	seconds=300 guest "guest_net --in-memory -m 64 --iova-mode=va -a $device --lcores 0@0 --log-level=lib.eal:4 -- $2" \
		>"$work/steps" 2>&1 || fail "$1: $(cat "$work/steps")"
	end_pid $tagged
	say "$1: $(grep -c '^ok ' "$work/steps") steps"
}

plug
guest_start "$guest" -n "$ns" -m 768 -c 2 -d -i -T gtap0,mq=on,rss=on,hash=on
bind vfio-pci
steps "four pairs" 64
guest_stop "$guest"
