#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# smcgate in a Linux guest, on QEMU's virtio-net-pci by our driver: bound to uio_pci_generic,
# and to vfio-pci behind an emulated IOMMU; clients on the host are served, also while
# queues are reset and given other sizes.
# Own guests.
. "$(dirname "$0")/../integration/_lib.sh"
. "$top/scripts/lib-guest.sh"

guest=pci-guest-$$
. "$(dirname "$0")/_port.sh"
# What the guest serves.
config='{"ports": [{"name": "pci", "device": "@DEVICE@", "addresses": ["10.6.0.2/24"]}],
	"memory": {"rx_buffers": 2048, "payload_buffers": 2048, "header_buffers": 2048},
	"services": [{"name": "web", "type": "http", "listen": "0.0.0.0:80", "body_bytes": 200000},
		{"name": "echo", "type": "echo", "listen": "0.0.0.0:7"}]}'

served() { [ "$(in_ns curl -s -m 60 -o "$work/page" -w '%{http_code} %{size_download}' http://10.6.0.2/)" = "200 200000" ]; }

# Echoes one after the other until $work/enough is there; their number in $work/echoes.
echo_on() {
	local n=0
	while [ ! -e "$work/enough" ]; do
		timeout 300 nc -N 10.6.0.2 7 <"$work/sent" >"$work/echoed" && cmp "$work/sent" "$work/echoed" || return 1
		echo $((n = n + 1)) >"$work/echoes"
	done
}
# Each queue reset and resized six times while octets go round.
reset_under_echo() { # NAME
	local size commands=() echo_pid
	for size in 64 128 32 256 64 256; do
		for q in rxq txq; do commands+=("port 0 $q 0 reset" "port 0 $q 0 resize $size"); done
	done
	rm -f "$work/enough" "$work/echoes"
	(in_ns bash -c "$(declare -f echo_on); work=$work echo_on") &
	echo_pid=$!
	wait_for 30 [ -s "$work/echoes" ] || fail "$1: no echo"
	ask "${commands[@]}"
	touch "$work/enough"
	equal "$1: queues reset by the device alone" "$(grep -c 'the device reset this queue alone' "$work/answers" || true)" ${#commands[@]}
	wait $echo_pid || fail "$1: an echo under resets does not come back: $(tail -30 "$work/answers")"
	say "$1: ${#commands[@]} resets during $(cat "$work/echoes") echoes"
}

round() { # NAME KERNEL-DRIVER EAL-OPTIONS GUEST-OPTION...
	local name=$1 driver=$2 eal=$3 sum; shift 3
	new_namespace
	in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n "$ns" tuntap add gtap0 mode tap vnet_hdr
	ip -n "$ns" addr add 10.6.0.1/24 dev gtap0
	ip -n "$ns" link set gtap0 up
	guest_start "$guest" -n "$ns" -m 768 -d "$@"
	bind "$driver"
	gate_in_guest "$name" "$config" "$eal --lcores 0@0,1@0"
	wait_for 20 in_ns ping -q -c 1 -W 1 10.6.0.2 || fail "$name: no answer to ping: $(guest 'tail -20 /tmp/gate.log')"
	check "$name: a page of 200,000 octets" served
	for n in 1 2 3 4 5; do check "$name: page $n" served; done
	head -c 300000 /dev/urandom >"$work/sent"
	in_ns timeout 300 nc -N 10.6.0.2 7 <"$work/sent" >"$work/echoed" || fail "$name: echo"
	check "$name: echoed octets" cmp "$work/sent" "$work/echoed"
	reset_under_echo "$name"
	check "$name: a page after resets" served
	end_gate_in_guest "$name"
	guest_stop "$guest"
	say "$name: served"
}

round "uio_pci_generic, split rings" uio_pci_generic "--iova-mode=pa" -T gtap0
round "uio_pci_generic, packed rings" uio_pci_generic "--iova-mode=pa" -T gtap0,packed=on
round "vfio-pci behind an IOMMU" vfio-pci "--iova-mode=va" -i -T gtap0
