#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Four workers on one queue: flows are spread over them, each stays on one, and
# both connections of a proxied one are on the same; outgoing connections too.
# Then the same on a tap of several queues.
. "$(dirname "$0")/_lib.sh"

owners() { console "show sockets limit=1000" | awk '$1 ~ /^[0-9]+\.[0-9]+$/ { split($1, id, "."); print id[1] }'; }
mkdir -p "$work/www"
for queues in 1 4; do
	start_gate "{\"port\": {\"rx_queues\": $queues, \"tx_queues\": 4}}" --lcores '0@0,1@0,2@1,3@0,4@1' 2>"$work/start" || {
		[ $queues = 1 ] && fail "$(tail -3 "$work/start")"
		skip "a tap of $queues queues does not start: $(grep PIPELINE "$work/start" | tail -1)"
	}
	start_web
	in_ns wrk -t1 -c64 -d2s --timeout 30s http://$gate/ >"$work/wrk"
	! grep -E 'Socket errors|Non-2xx' "$work/wrk" || fail "wrk saw errors"
	mkfifo "$work/go"
	ip netns exec "$ns" bash -c '
		for ((i = 0; i < 64; i++)); do exec {f}<>/dev/tcp/10.77.0.2/7 && echo hello >&$f; done
		for ((i = 0; i < 64; i++)); do exec {f}<>/dev/tcp/10.77.0.2/8080; done
		read -r || true' <"$work/go" &
	client=$!
	exec 9>"$work/go"
	# 64 of echo, 64 proxied with a connection each to the back end.
	holds "sockets with $queues queues" 192 field "show sockets limit=1" matching
	equal "workers with sockets" "$(owners | sort -u | xargs)" "0 1 2 3"
	for w in 0 1 2 3; do
		in=$(console "show sockets limit=1000" | awk -v w=$w '$1 ~ "^" w "\\." && $2 == "10.77.0.2:8080"' | wc -l)
		out=$(console "show sockets limit=1000" | awk -v w=$w '$1 ~ "^" w "\\." && $3 == "10.77.0.1:8081"' | wc -l)
		equal "proxied connections of worker $w, in and out" "$in" "$out"
	done
	say "$queues queues: sockets by worker: $(owners | sort | uniq -c | xargs)"
	exec 9>&-
	wait $client || fail "client"
	rm "$work/go"
	end_pid "$web_pid"
	finish 'tcp_.*'
done
