#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Our driver against QEMU's virtio-net-pci, which nobody here wrote, without a
# guest: split and packed rings, pairs, control commands, echoes from the kernel.
. "$(dirname "$0")/_lib.sh"

qtest_run() { # NAME DEVICE-OPTIONS [rss]
	new_namespace
	ip -n "$ns" tuntap add vnic0 mode tap multi_queue vnet_hdr
	ip -n "$ns" address add 10.9.0.1/24 dev vnic0
	ip -n "$ns" link set vnic0 up
	say "---- $1"
	in_ns timeout 300 "$build/tests/qtest/qtest_net" ${3:-} -- qemu-system-x86_64 -nodefaults -display none \
		-machine pc,memory-backend=ram -accel tcg -bios "$bios" \
		-object "memory-backend-file,id=ram,mem-path=@RAM@,size=@SIZE@,share=on" -m "$((64 << 20))B" \
		-qtest unix:@SOCKET@,server=on,wait=off -qtest-log none \
		-netdev tap,id=n,ifname=vnic0,script=no,downscript=no,queues=2,vhost=off \
		-device "virtio-net-pci,netdev=n,mac=52:54:00:aa:bb:01,disable-legacy=on,mq=on,vectors=0,$2"
}

# A BIOS that halts: the processor is this test.
bios=$(mktemp "${TMPDIR:-/tmp}/smcgate-bios.XXXXXX")
at_exit "rm -f $bios"
truncate -s 65536 "$bios"
printf '\xfa\xf4\xeb\xfd' | dd of="$bios" bs=1 seek=$((65536 - 16)) conv=notrunc status=none

qtest_run "split rings" "packed=off"
qtest_run "packed rings" "packed=on"
qtest_run "without mergeable buffers, indirect descriptors and events" \
	"packed=off,mrg_rxbuf=off,indirect_desc=off,event_idx=off"
qtest_run "without RING_RESET" "packed=off,queue_reset=off"
qtest_run "RSS" "packed=off,rss=on,hash=on" rss
