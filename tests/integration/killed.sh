#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Clients and servers killed in the middle of transfers, again and again.
. "$(dirname "$0")/_lib.sh"

mkdir -p "$work/www"
head -c 30000000 /dev/urandom >"$work/www/file"
start_gate '{"shutdown": {"grace_ms": 500}}'
start_web

kill_after() { # SECONDS COMMAND...
	local s=$1 pid; shift
	ip netns exec "$ns" "$@" >/dev/null 2>&1 </dev/null &
	pid=$!
	sleep "$s"
	kill -KILL $pid 2>/dev/null || true
	wait $pid 2>/dev/null || true
}
for s in 0.01 0.03 0.05 0.08 0.12 0.2; do
	kill_after $s curl -s -o /dev/null http://$gate/file                       # from us
	kill_after $s curl -s --limit-rate 100k -o /dev/null http://$gate/file     # stuck on its window
	kill_after $s curl -s -o /dev/null http://$gate:8080/file                  # through the proxy
	kill_after $s curl -s --limit-rate 100k -o /dev/null http://$gate:8080/file
	kill_after $s bash -c "exec cat /dev/zero >/dev/tcp/$gate/9"               # to us
	kill_after $s bash -c "exec cat /dev/zero >/dev/tcp/$gate/7"               # echo nobody reads
	kill_after $s bash -c "exec cat /dev/zero >/dev/tcp/$gate/8080"            # to a server that does not want it
done

# The server dies under a transfer through the proxy; its client is told.
start_slow $gate 8080 /file
kill -KILL "$web_pid"
go_slow
status=0
wait "$slow_pid" || status=$?
[ $status != 0 ] || fail "the client got the whole file"
! grep -q "timed out" "$work/slow" || fail "the client was not told of the server's end: $(tail -1 "$work/slow")"
equal "no back end" "$(in_ns curl -s -m 60 -o /dev/null -w '%{http_code}' http://$gate:8080/file || true)" 000
equal "a page after all this" "$(in_ns curl -s -m 60 http://$gate/ | wc -c)" 1024
finish 'tcp_.*'
