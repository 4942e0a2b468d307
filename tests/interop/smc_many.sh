#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 100 connections at once, in more link groups than one because a group takes 16 of them;
# 500 short ones.
. "$(dirname "$0")/_lib.sh"

guest_smc
start_smc_gate '{"smc": {"max_conns_per_group": 16, "groups_per_peer": 8}}'
transfer "100 at once" smc -p 7 -c 100 -j 100 -n 20000 -W 500
groups=$(guest_groups)
[ "$groups" -ge 7 ] || fail "100 connections in $groups groups of 16"
[ "$(guest 'smcctl lgr' | grep -c 'max_conns=16')" = "$groups" ] || fail "groups for more: $(guest 'smcctl lgr')"
before=$(guest_stat smcr.client_v2)
transfer "500 short ones" smc -t 200 -p 7 -c 500 -j 4 -n 500
equal "connections the guest counted" $(($(guest_stat smcr.client_v2) - before)) 500
[ "$(guest_groups)" -le "$((groups + 2))" ] || fail "groups grew to $(guest_groups)"
check_guest_idle

guest_serve -q
in_ns timeout 120 "$build/tests/guest/smctest" client -T -s $gate -c 100 -j 50 -n 20000 >"$work/client" ||
	fail "100 to the guest: $(tail -3 "$work/client")"
check_guest_idle
finish "$sent_again"
