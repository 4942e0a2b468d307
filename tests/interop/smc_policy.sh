#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What decides about SMC changes while it runs: policies, EIDs, the device; each seen by
# the guest, and nothing fails.
. "$(dirname "$0")/_lib.sh"

declined=0x05000000/0x0303
say_to() { console "$1" >"$work/console" 2>&1 || fail "console: $1: $(cat "$work/console")"; }

guest_smc OTHER.EID
guest 'echo 2 >/proc/sys/net/smc/smcr_testlink_time' # how soon it finds a device of ours gone
start_smc_gate '{"smc": {"failures": 2, "forget_s": 3}}'

# A peer where SMC keeps failing is spoken TCP to at once, for a while; each lcore knows its own.
# Looked at while it lasts: again, where the guest was too slow for that.
fail_often() {
	local try
	for try in 1 2 3 4 5; do
		transfer "failures" any -p 7 -c 20 -n 100
		! (transfer "a peer remembered" 0x03010000 -p 7 -n 10000 -c 5) 2>"$work/remembered" || return 0
	done
	fail "$(cat "$work/remembered")"
}
fail_often
say_to "smc peer forget $peer"
guest "smcctl ueid add $eid"
transfer "a peer forgotten" smc -p 7 -n 10000
guest "smcctl ueid del $eid"
fail_often
guest "smcctl ueid add $eid; smcctl ueid del OTHER.EID"
sleep 3.5
transfer "after a while SMC again" smc -p 7 -n 10000
say_to "smc policy add port=7 use=tcp"
transfer "a port to speak TCP on" 0x03010000 -p 7 -n 10000
transfer "another port" smc -p 9 -k -n 10000
say_to "smc policy del 0"
say_to "smc policy add peer=$peer/32 use=tcp"
transfer "a peer to speak TCP with" 0x03010000 -p 9 -k -n 10000
guest_serve
through "a peer to speak TCP with" 0x03010000 -n 10000
say_to "smc policy del 0"
transfer "without policies" smc -p 7 -n 10000

say_to "smc ueid add OTHER.EID"
say_to "smc ueid del $eid"
# An lcore that saw failures above, but nothing since, would remember the peer for one more.
say_to "smc peer forget $peer"
transfer "no EID in common any more" $declined -p 7 -n 10000
guest 'smcctl ueid add OTHER.EID'
transfer "another EID in common" smc -p 7 -n 10000
console "smc ueid list" | grep -q OTHER.EID || fail "ueid list: $(console "smc ueid list")"

# Without connections: Linux with rxe sends to a device that is gone for ever, and waits for
# the end of that.
say_to "smc device roce0 off"
transfer "without our device" 0x0 -p 7 -n 10000
say_to "smc device roce0 on"
say_to "smc peer forget all"
transfer "with our device again" smc -p 7 -n 10000
finish "$sent_again"
