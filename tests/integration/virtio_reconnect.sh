#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The back end of our driver dies under traffic (kill -9) and another one takes its place,
# over and over: the same port goes down and up, packets move again both ways, and in
# the end every buffer is back in its pool.
# Long: 20 s, eight back ends die.
. "$(dirname "$0")/_lib.sh"
. "$(dirname "$0")/_testpmd.sh"

[ -f "$plugin" ] || fail "no $plugin"
huge_pages 160 128
sock=$work/sock
rounds=${SMCGATE_TEST_FULL:+4}
rounds=${rounds:-2}

back_args=
back_start() { back_args=$1; pmd_start back 0@0,1@0 "--vdev=net_vhost0,iface=$sock$1" "" || fail "no back end"; }
# Nothing is said to it, and it says nothing.
back_kill() {
	local pid
	pid=$(pmd_pid back)
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	eval "exec {fd_back}>&-"
	rm -rf "/run/dpdk/smcg-$$-back"
	[ -n "$back_args" ] || rm -f "$sock" # its own; DPDK's library does not listen at an old one
}
link_is() { tell front "show port info 0" | grep -q "Link status: $1"; }
link_events() { grep -c 'link state change event' "$work/front.log" || true; }
# Free buffers of the front end's pool, per-lcore caches counted.
free_buffers() {
	tell front "dump_mempool mb_pool_0" |
		awk -F= '/common_pool_count|cache_count\[/ { n += $2 } END { print n }'
}
both_ways() { # WHAT
	say_to back stop "set fwd rxonly" start
	say_to front stop "set fwd txonly" start
	check "$1: sent" grows_by 3000 packets back RX
	say_to front stop "set fwd rxonly" start
	say_to back stop "set fwd txonly" start
	check "$1: received" grows_by 3000 packets front RX
}

reconnect() { # WHAT DEVICE-ARGUMENTS BACK-ARGUMENTS
	local what=$1 args=$2 back=$3 i events all
	note "== $what"
	back_start "$back"
	pmd_start front 0@1,1@1 "-d $plugin --log-level=pmd.net.vnic:info --vdev=net_vnic0,path=$sock$args" "" ||
		fail "$what: the port does not start"
	both_ways "$what"
	for ((i = 1; i <= rounds; i++)); do
		# Odd rounds: while it sends, even ones: while it receives.
		if ((i % 2)); then
			say_to back stop "set fwd rxonly" start
			say_to front stop "set fwd txonly" start
		fi
		events=$(link_events)
		back_kill
		check "$what: link down ($i)" wait_for 15 link_is down
		back_start "$back"
		check "$what: link up ($i)" wait_for 20 link_is up
		equal "$what: link events ($i)" "$(($(link_events) - events))" 2
		both_ways "$what, after death $i"
	done
	equal "$what: losses" "$(xstat front vnic_lost)" $rounds
	equal "$what: returns" "$(xstat front vnic_returned)" $rounds
	equal "$what: faults" "$(tell front "show port xstats 0" | grep -E '^vnic_(fault_|broken)' | grep -v ': 0$' || true)" ""
	# Gone for good while the port is stopped and closed.
	back_kill
	check "$what: link down at last" wait_for 15 link_is down
	say_to front stop "port stop 0"
	all=$(free_buffers)
	equal "$what: buffers in the pool" "$all" 8192
	pmd_end front
	rm -f "$sock"
}
for packed in 0 1; do
	reconnect "client, packed=$packed" ",packed=$packed" ""
	reconnect "server, packed=$packed" ",packed=$packed,server=1" ,client=1
done
