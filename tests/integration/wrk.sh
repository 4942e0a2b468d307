#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# wrk and ab, with and without keep-alive, complete without errors.
. "$(dirname "$0")/_lib.sh"

start_gate
start_web
in_ns wrk -t1 -c64 -d4s --timeout 30s http://$gate/ >"$work/wrk" || fail "wrk"
! grep -E 'Socket errors|Non-2xx' "$work/wrk" || fail "wrk saw errors"
say "wrk: $(grep Requests/sec "$work/wrk")"
in_ns wrk -t1 -c32 -d3s --timeout 30s -H 'Connection: close' http://$gate/ >"$work/wrk" || fail "wrk"
! grep -E 'Socket errors|Non-2xx' "$work/wrk" || fail "wrk saw errors, closing connections"
say "wrk, closing: $(grep Requests/sec "$work/wrk")"

run_ab() { # NAME ARGUMENT...
	local what=$1; shift
	in_ns timeout 120 ab -q -s 30 "$@" >"$work/ab" 2>&1 || fail "ab: $(tail -3 "$work/ab")"
	grep -Eq '^Failed requests: *0$' "$work/ab" || fail "$what: $(grep -E 'Failed|Non-2xx' "$work/ab")"
	say "$what: $(grep 'Requests per second' "$work/ab")"
}
run_ab "ab" -n 3000 -c 50 http://$gate/
run_ab "ab -k" -k -n 10000 -c 50 http://$gate/
finish "$sent_again|tcp_rst_.*|tcp_no_listener"
