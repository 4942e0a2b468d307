#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# SOAK_LINUX_MB (5000) of verified data over SMC-R with a Linux guest, there and back, by many
# connections one after another and at once; memory stays what it was after the first round.
. "$(dirname "$0")/../_lib.sh"

tables=8192 # KiB of hash tables, 4 MiB a worker, that flows touch page by page
megabytes=${SOAK_LINUX_MB:-5000} round=0 moved=0
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$smcgate_pid/status"; }

guest_smc
start_smc_gate
guest_serve -q
fallbacks=$(guest_fallbacks)
while ((moved < megabytes)); do
	transfer "round $round" smc -t 900 -q -p 7 -c 20 -j 10 -n 5000000 -m 60000
	in_ns timeout 900 "$build/tests/guest/smctest" client -T -q -s $gate -c 8 -j 4 -n 6250000 -m 60000 \
		>"$work/client" || fail "round $round to the guest: $(tail -3 "$work/client")"
	transfer "short ones of round $round" smc -t 900 -q -p 7 -c 100 -j 4 -n 500
	check_guest_idle
	wait_for 30 idle_again || fail "round $round: not idle again: $(pools)"
	moved=$((moved + 300)) # both directions
	round=$((round + 1))
	[ $round != 1 ] || before=$(resident)
	after=$(resident)
	say "round $round: $moved MB, $after KiB resident"
	((after <= before + before / 50 + tables)) || fail "memory grew from $before to $after KiB"
done
guest 'dmesg' | grep -E 'BUG:|Oops|WARNING:' && fail "the guest's kernel complains"
equal "fallbacks of the guest's" "$(guest_fallbacks)" "$fallbacks"
finish "$sent_again"
