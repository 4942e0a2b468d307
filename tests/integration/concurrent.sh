#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 5,000 connections at once, each served twice, on one worker and on four.
. "$(dirname "$0")/_lib.sh"

n=5000
ulimit -n 20000 2>/dev/null || skip "the limit of open files cannot be raised to 20000"
for lcores in '0@0,1@1' '0@0,1@0,2@1,3@1,4@1'; do
	start_gate '{"tcp": {"max_connections": 16384}}' --lcores "$lcores"
	mkfifo "$work/go"
	ip netns exec "$ns" timeout 250 python3 "$here/_many.py" $n $gate 80 hold <"$work/go" >"$work/many" 2>&1 &
	pid=$!
	exec 9>"$work/go"
	wait_for 200 grep -q "served twice" "$work/many" || fail "$(tail -1 "$work/many")"
	equal "sockets" "$(field "show sockets limit=1" matching)" $n
	equal "established" "$(field "show tcp stats" "curr estab")" $n
	exec 9>&-
	wait $pid || fail "client: $(tail -1 "$work/many")"
	rm "$work/go"
	say "$lcores: $(cat "$work/many")"
	finish "$sent_again"
done
