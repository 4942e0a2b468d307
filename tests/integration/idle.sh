#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Without work an instance sleeps: little CPU, also two of them beside a kernel
# client; and what arrives wakes it quickly.
# Alone: it measures what the machine is used for.
. "$(dirname "$0")/_lib.sh"

hz=$(getconf CLK_TCK)
used() { awk '{ print $14 + $15 }' "/proc/$1/stat"; } # ticks, user and system
start_gate '{}' --lcores '0@0,1@1'
first_pid=$smcgate_pid first_prefix=$smcgate_prefix first_ns=$ns first_socket=$console_socket first_pools=$idle_pools
start_gate '{}' --lcores '0@0,1@0,2@1'

# once COMMAND...: what is seen on some try; a machine may have other things to do for a while.
once() { local try; for try in 1 2 3 4 5 6; do ! "$@" || return 0; done; return 1; }

idle() {
	a=$(used "$first_pid") b=$(used "$smcgate_pid")
	sleep 3
	a=$((($(used "$first_pid") - a) * 100 / hz / 3)) b=$((($(used "$smcgate_pid") - b) * 100 / hz / 3))
	say "idle: $a % and $b % of a core"
	[ "$a" -le 5 ] && [ "$b" -le 5 ]
}
once idle || fail "idle instances take $a % and $b % of a core"

# One packet at a time, each to a sleeping lcore. The median: a busy machine lets single ones wait.
answers_soon() {
	rtt=$(in_ns ping -c21 -i0.1 -W10 $gate | sed -n 's/.*time=\([0-9.]*\) ms$/\1/p' | sort -n | sed -n 11p)
	say "ping of a sleeping instance: $rtt ms"
	awk -v rtt="$rtt" 'BEGIN { exit !(rtt != "" && rtt < 10) }'
}
once answers_soon || fail "a sleeping instance takes $rtt ms to answer a ping"

# Both at work beside their clients on the same cores: neither starves.
rate() { sed -n 's/^Requests.sec: *\([0-9]*\).*/\1/p' "$1"; }
both_work() {
	ip netns exec "$first_ns" wrk -t1 -c16 -d3s http://$gate/ >"$work/first" 2>&1 &
	wrk_pid=$!
	in_ns wrk -t1 -c16 -d3s http://$gate/ >"$work/second"
	wait $wrk_pid
	say "both loaded: $(rate "$work/first") and $(rate "$work/second") requests a second"
	[ "$(rate "$work/first")" -gt 100 ] && [ "$(rate "$work/second")" -gt 100 ]
}
once both_work || fail "an instance starves"
finish "$sent_again|tcp_rst_.*|tcp_no_listener"
smcgate_pid=$first_pid smcgate_prefix=$first_prefix ns=$first_ns console_socket=$first_socket idle_pools=$first_pools
finish "$sent_again|tcp_rst_.*|tcp_no_listener"
