#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Single queues over DPDK's stock vhost library, which cannot reset a ring: stopped and started, set up
# anew smaller (the ring stays, less of it is used), as large as before, and larger (the device is
# stopped for a moment), with other queues running on.
. "$(dirname "$0")/_lib.sh"
. "$(dirname "$0")/_testpmd.sh"

[ -f "$plugin" ] || fail "no $plugin"
huge_pages 160 128
sock=$work/sock

rings() { # rx|tx QUEUE
	tell front "show ${1}q info 0 $2" | sed -nE 's/^Number of [RT]XDs: ([0-9]+).*/\1/p'
}
faults() {
	tell front "show port xstats 0" | grep -E '^(vnic_fault_|rx_q[0-9]+_drop_|vnic_broken|vnic_lost)' | grep -v ': 0$' || true
}
# anew rx|tx QUEUE SIZE WAYS: set up with SIZE; the counter of device starts grows by WAYS.
anew() {
	local d=$1 q=$2 size=$3 grows=$4 starts
	starts=$(xstat front vnic_starts)
	say_to front stop "port 0 ${d}q $q stop" "port config 0 ${d}q $q ring_size $size" "port 0 ${d}q $q setup" \
		"port 0 ${d}q $q start" start
	equal "$d queue $q: size" "$(rings "$d" "$q")" "$size"
	equal "$d queue $q of $size: device starts" "$(xstat front vnic_starts)" $((starts + grows))
	check "$d queue $q runs with $size" grows_by 500 xstat front "${d}_q${q}_packets"
	check "queue 0 runs on" grows_by 500 xstat front "${d}_q0_packets"
}

pmd_start back 0@0,1@0 "--vdev=net_vhost0,iface=$sock,queues=2" "--rxq=2 --txq=2 --nb-cores=1" || fail "no back end"
for kind in packed=0,rx packed=1,tx; do
	ring=${kind%,*} d=${kind#*,}
	pmd_start front 0@1,1@1 "-d $plugin --vdev=net_vnic0,path=$sock,queues=2,$ring" "--rxq=2 --txq=2 --nb-cores=1 --rxd=256 --txd=256" ||
		fail "the port does not start"
	[ $d = rx ] && mode=(rxonly txonly) || mode=(txonly rxonly)
	say_to back stop "set fwd ${mode[1]}" start
	say_to front stop "set fwd ${mode[0]}" start
	check "$d: load" grows_by 500 xstat front ${d}_q1_packets
	anew $d 1 128 0
	anew $d 1 256 0
	anew $d 1 512 1
	equal "$ring: faults" "$(faults)" ""
	say_to front stop
	pmd_end front
done
pmd_end back
