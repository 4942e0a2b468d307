#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# smcgate in a Linux guest, on QEMU's virtio-net-pci by our driver: bound to uio_pci_generic,
# and to vfio-pci behind an emulated IOMMU; clients on the host are served.
. "$(dirname "$0")/../integration/_lib.sh"
. "$top/scripts/lib-guest.sh"

guest=pci-guest-$$
guest() { guest_exec "$guest" -t "${seconds:-30}" "$1"; }

# What the guest serves.
config='{"ports": [{"name": "pci", "device": "@DEVICE@", "addresses": ["10.6.0.2/24"]}],
	"memory": {"rx_buffers": 2048, "payload_buffers": 2048, "header_buffers": 2048},
	"services": [{"name": "web", "type": "http", "listen": "0.0.0.0:80", "body_bytes": 200000},
		{"name": "echo", "type": "echo", "listen": "0.0.0.0:7"}]}'

# bind KERNEL-DRIVER: the card goes from Linux's driver to this one; its address in $device.
bind() {
	device=$(guest 'basename $(readlink -f /sys/class/net/eth0/device/..)')
	guest "d=/sys/bus/pci/devices/$device
		echo $1 >\$d/driver_override && echo $device >\$d/driver/unbind && echo $device >/sys/bus/pci/drivers_probe
		basename \$(readlink \$d/driver)" | grep -qx "$1" || fail "the card cannot be bound to $1"
}
ready() { guest 'grep -q "PIPELINE: ready" /tmp/gate.log'; }
served() { [ "$(in_ns curl -s -m 60 -o "$work/page" -w '%{http_code} %{size_download}' http://10.6.0.2/)" = "200 200000" ]; }

round() { # NAME KERNEL-DRIVER EAL-OPTIONS GUEST-OPTION...
	local name=$1 driver=$2 eal=$3 sum; shift 3
	new_namespace
	in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n "$ns" tuntap add gtap0 mode tap vnet_hdr
	ip -n "$ns" addr add 10.6.0.1/24 dev gtap0
	ip -n "$ns" link set gtap0 up
	guest_start "$guest" -n "$ns" -m 768 -d "$@"
	bind "$driver"
	printf '%s' "${config/@DEVICE@/$device}" | guest_exec "$guest" -i 'cat >/tmp/gate.json'
	guest "smcgate --in-memory -m 128 $eal -a $device --lcores 0@0,1@0 -- -c /tmp/gate.json >/tmp/gate.log 2>&1 &
		echo \$! >/tmp/gate.pid"
	wait_for 60 ready || fail "$name: smcgate in the guest: $(guest 'tail -20 /tmp/gate.log')"
	wait_for 20 in_ns ping -q -c 1 -W 1 10.6.0.2 || fail "$name: no answer to ping: $(guest 'tail -20 /tmp/gate.log')"
	check "$name: a page of 200,000 octets" served
	for n in 1 2 3 4 5; do check "$name: page $n" served; done
	head -c 300000 /dev/urandom >"$work/sent"
	in_ns timeout 60 nc -N 10.6.0.2 7 <"$work/sent" >"$work/echoed" || fail "$name: echo"
	check "$name: echoed octets" cmp "$work/sent" "$work/echoed"
	guest 'kill $(cat /tmp/gate.pid)'
	wait_for 30 eval "! guest 'kill -0 \$(cat /tmp/gate.pid)'" || fail "$name: smcgate does not end"
	guest 'tail -20 /tmp/gate.log' >"$work/end"
	! grep -q ERR "$work/end" || fail "$name: $(cat "$work/end")"
	guest_stop "$guest"
	say "$name: served"
}

round "uio_pci_generic, split rings" uio_pci_generic "--iova-mode=pa" -T gtap0
round "uio_pci_generic, packed rings" uio_pci_generic "--iova-mode=pa" -T gtap0,packed=on
round "vfio-pci behind an IOMMU" vfio-pci "--iova-mode=va" -i -T gtap0
