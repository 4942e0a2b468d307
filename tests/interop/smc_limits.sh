#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# More of a peer's connections than our memory or its groups bear: those use TCP, all work.
. "$(dirname "$0")/_lib.sh"

# some WHAT MOST: 100 connections at once, some but at most so many of them by SMC, the
# others by a fallback that we caused; but for some of a guest that confirms too late for want of CPU.
some() {
	local n late
	transfer "$1" any -p 7 -c 100 -j 100 -n 5000 -W 500
	n=$(grep -c 'mode=SMC-R ' "$work/client" || true)
	[ "$n" -ge 8 ] && [ "$n" -le "$2" ] || fail "$1: $n connections by SMC"
	late=$(grep -Ec 'fallback=0x020[12]0000' "$work/client" || true)
	[ "$late" -le 20 ] || fail "$1: $late connections were confirmed too late"
	[ "$(grep -Ec 'fallback=(0x03010000|0x05000000 peer=0x)' "$work/client")" = $((100 - n - late)) ] ||
		fail "$1: other reasons: $(grep fallback= "$work/client" | head -3)"
	check_guest_idle
	# There is room when they have ended here, too. A guest that was too late is remembered for a while.
	wait_for 60 no_sockets || fail "$1: connections are left: $(console "show sockets limit=10")"
	console "smc peer forget all" >/dev/null
}

guest_smc
start_smc_gate '{"smc": {"memory_mb": 4}}' # 16 or 32 connections an lcore
some "more connections than memory" 64
transfer "again when there is room" smc -p 7 -n 100000
finish "$sent_again"

guest_smc
start_smc_gate '{"smc": {"max_conns_per_group": 16, "groups_per_peer": 1}}'
some "more connections than groups" 32
transfer "again when there is room" smc -p 7 -n 100000
finish "$sent_again"
