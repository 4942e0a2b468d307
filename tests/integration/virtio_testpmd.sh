#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The virtio driver as a plugin of Debian's dpdk-testpmd, against DPDK's vhost library
# (net_vhost of another testpmd): every kind of ring, both ends of the socket,
# forwarding modes, offloads, several queues; ports and queues stopped and started.
# Long: 60 s, two dozen testpmd.
. "$(dirname "$0")/_lib.sh"
. "$(dirname "$0")/_testpmd.sh"

[ -f "$plugin" ] || fail "no $plugin"
huge_pages 160 128
sock=$work/sock

back_start() { # VDEV-ARGUMENTS TESTPMD-ARGUMENTS
	pmd_start back 0@0,1@0 "--vdev=net_vhost0,iface=$sock$1" "$2" || fail "no back end"
}
front_start() { # DEVICE-ARGUMENTS TESTPMD-ARGUMENTS
	pmd_start front 0@1,1@1 "-d $plugin --log-level=pmd.net.vnic:info --vdev=net_vnic0,path=$sock$1" "$2" || fail "the port does not start ($1)"
}
# Both ends forward; packets count at both.
moves() { # WHAT FRONT-MODE BACK-MODE DIRECTION...
	local what=$1 fmode=$2 bmode=$3 d; shift 3
	say_to back stop "set fwd $bmode" start
	say_to front stop "set fwd $fmode" "start${tx_first:+ tx_first}"
	for d in "$@"; do
		check "$what: front $d" grows_by 3000 packets front "$d"
		check "$what: back $d" grows_by 3000 packets back "$(other "$d")"
	done
	say_to front stop
}
other() { [ "$1" = RX ] && echo TX || echo RX; }
no_faults() {
	local f
	f=$(tell front "show port xstats 0" | grep -E '^(vnic_fault_|rx_q[0-9]+_drop_|vnic_broken|rx_q[0-9]+_errors|tx_q[0-9]+_errors)' |
		grep -v ': 0$' || true)
	equal "faults after $1" "$f" ""
}
three_modes() { # WHAT
	moves "$1: txonly" txonly rxonly TX
	moves "$1: rxonly" rxonly txonly RX
	tx_first=yes moves "$1: io" io io RX TX
	no_faults "$1"
}

note "== rings"
back_start "" ""
for ring in packed=0 packed=1; do
	for more in "" ,in_order=0 ,mrg_rxbuf=0 ,in_order=0,event_idx=0,indirect=0; do
		front_start ",$ring$more" ""
		three_modes "$ring$more"
		pmd_end front
	done
done
pmd_end back

note "== the driver listens"
back_start ,client=1 ""
for ring in packed=0 packed=1; do
	front_start ",server=1,$ring" ""
	three_modes "server,$ring"
	pmd_end front
done
pmd_end back

note "== offloads"
back_start ,tso=1 ""
for ring in packed=0 packed=1; do
	front_start ",$ring" ""
	say_to front "port stop 0" "csum set udp hw 0" "csum set tcp hw 0" "tso set 500 0" \
		"port config 0 rx_offload udp_cksum on" "port config 0 rx_offload tcp_cksum on" \
		"port config 0 rx_offload tcp_lro on" "port config 0 tx_offload multi_segs on" "port start 0"
	for f in CSUM HOST_TSO4 HOST_TSO6 GUEST_CSUM GUEST_TSO4 GUEST_TSO6; do
		grep 'features:' "$work/front.log" | tail -1 | grep -qw "$f" || fail "$ring: $f is not negotiated"
	done
	moves "$ring: csum" csum flowgen RX TX
	say_to front "set txpkts 64,600,700" # three segments each
	moves "$ring: segments" txonly rxonly TX
	chained=$(($(xstat front tx_q0_indirect) + $(xstat front tx_q0_chained)))
	[ "$chained" -ge 3000 ] || fail "$ring: $chained packets of several segments"
	no_faults "$ring: offloads"
	pmd_end front
done
pmd_end back

note "== four queues"
back_start ,queues=4 "--rxq=4 --txq=4 --nb-cores=1"
for ring in packed=0 packed=1; do
	front_start ",$ring,queues=4" "--rxq=4 --txq=4 --nb-cores=1"
	three_modes "$ring,queues=4"
	for q in 0 1 2 3; do
		for d in rx tx; do
			n=$(xstat front ${d}_q${q}_packets)
			[ "$n" -ge 500 ] || fail "$ring: $d queue $q moved $n packets"
		done
	done
	pmd_end front
done

note "== ports and queues stopped and started"
front_start ",queues=4" "--rxq=4 --txq=4 --nb-cores=1"
tx_first=yes
for i in 1 2 3; do
	say_to front "port stop 0" "port start 0"
	moves "stop and start $i" io io RX TX
done
for i in 1 2; do
	say_to front "port stop 0" "port reset 0" "port start 0"
	moves "reset $i" io io RX TX
done
say_to back stop "set fwd txonly" start
say_to front "set fwd rxonly" start
for q in 1 3; do
	say_to front stop "port 0 rxq $q stop" start
	before=$(xstat front "rx_q${q}_packets")
	check "queue 0 runs without queue $q" grows_by 500 xstat front rx_q0_packets
	equal "queue $q stands" "$(xstat front "rx_q${q}_packets")" "$before"
	say_to front stop "port 0 rxq $q start" start
	check "queue $q runs again" grows_by 500 xstat front "rx_q${q}_packets"
done
say_to front stop
say_to back stop "set fwd rxonly" start
say_to front "set fwd txonly" start
say_to front stop "port 0 txq 2 stop" "port 0 txq 2 start" start
check "transmit queue 2 runs again" grows_by 500 xstat front tx_q2_packets
say_to front stop
no_faults "cycles"
say_to front "port stop 0" "port close 0" "port detach 0"
tell front "port attach net_vnic1,path=$sock,queues=4" | grep -q "is attached" || fail "no port after close"
say_to front "port config all rxq 4" "port config all txq 4" "port start all"
tx_first=yes moves "close and attach" io io RX TX
pmd_end front
pmd_end back

note "== the back end dies and returns"
back_kill() {
	kill -KILL "$(pmd_pid back)"
	wait "$(pmd_pid back)" 2>/dev/null || true
	wait_for 10 link_is down || fail "the link is up without a back end"
}
link_is() { tell front "show port info 0" | grep -q "^Link status: $1"; }
for mode in "" ,server=1; do
	back_args=
	[ -z "$mode" ] || back_args=,client=1
	back_start "$back_args" ""
	front_start "$mode" ""
	for i in 1 2 3; do
		moves "before death $i$mode" rxonly txonly RX
		[ $i = 1 ] || say_to front "set fwd txonly" start # dies under traffic
		back_kill
		[ -n "$mode" ] || rm -f "$sock"
		back_start "$back_args" ""
		wait_for 20 link_is up || fail "the link stays down ($mode)"
		tx_first=yes moves "after return $i$mode" io io RX TX
	done
	equal "losses$mode" "$(xstat front vnic_lost) $(xstat front vnic_returned)" "3 3"
	no_faults "three deaths$mode"
	pmd_end front
	pmd_end back
done

note "== ordinary pages"
eal_memory="--no-huge --iova-mode=va -m 128"
back_start "" ""
front_start "" ""
three_modes "ordinary pages"
pmd_end front
# With the default of one file a page there are too many pieces: said, with the cure.
if [ -w /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages ]; then
	eal_memory="--in-memory --iova-mode=va -m 128"
	if pmd_start front 0@1,1@1 "-d $plugin --vdev=net_vnic0,path=$sock" "" 2>/dev/null; then
		fail "a port over more regions than a back end takes"
	fi
	grep -q -- '--single-file-segments' "$work/front.log" || fail "no cure named: $(tail -5 "$work/front.log")"
fi
