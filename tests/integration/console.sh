#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Each documented command answers over the socket of a running instance, each view
# by dpdk-telemetry.py as well; what commands change is changed.
. "$(dirname "$0")/_lib.sh"

mkdir -p "$work/captures"
start_gate "{\"capture\": {\"directory\": \"$work/captures\"}, \"smc\": {\"eids\": [\"SMCGATE.TEST\"]},
	\"rdma\": [{\"name\": \"roce0\", \"provider\": \"roce\", \"port\": \"tap0\"}]}"
ip netns exec "$ns" bash -c 'exec {f}<>/dev/tcp/10.77.0.2/7; echo x >&$f; exec sleep 600' &
at_exit "kill $! 2>/dev/null"
client=$!
socket_id() { console "show sockets limit=1" | awk '$1 ~ /^[0-9]+\.[0-9]+$/ { print $1 }'; }
has_id() { [ -n "$(socket_id)" ]; }
wait_for 30 has_id || fail "no connection"
id=$(socket_id)

# Every "show" of the help, with arguments filled in: succeeds, and by telemetry too.
console help | sed -n 's/^  \(show [^ ].*\)/\1/p' | sed 's/   .*//' >"$work/shows"
[ "$(wc -l <"$work/shows")" -ge 20 ] || fail "help lists only $(wc -l <"$work/shows") views"
while read -r line; do
	line=$(sed -e 's/ \[[^]]*\]//g' -e 's/ N|all$/ 0/' -e 's/ N$/ 0/' -e 's/ P Q$/ 0 0/' -e "s/ ID$/ $id/" -e 's/ NAME$/ roce0/' <<<"$line")
	case $line in
	"show port rss"*) # a tap port with one queue has no table
		! console "$line" >"$work/out" && grep -q "does not spread flows" "$work/out" || fail "$line: $(cat "$work/out")"
		continue ;;
	esac
	console "$line" >"$work/out" || fail "$line: $(cat "$work/out")"
	[ -s "$work/out" ] || fail "$line says nothing"
	path=/smcgate/${line#show }
	args=$(sed -nE 's/^[^0-9]*( [0-9][0-9. ]*| roce0)$/\1/p' <<<"$path" | xargs | tr ' ' ,)
	path=$(sed -E 's/( [0-9][0-9. ]*| roce0)$//' <<<"$path" | tr ' ' /)
	echo "$path${args:+,$args}" >>"$work/paths"
done <"$work/shows"
in_ns dpdk-telemetry.py -f "$smcgate_prefix" <"$work/paths" >"$work/answers" || fail "dpdk-telemetry.py"
equal "telemetry's answers" "$(grep -c '"/smcgate/' "$work/answers")" "$(wc -l <"$work/paths")"
bad=$(grep -E '\{"error"|: null\}' "$work/answers" || true)
[ -z "$bad" ] || fail "telemetry: $bad"

# Commands that change something.
console "set burst 64" "show config rxtx" | grep -q 64 || fail "set burst"
console "stop" >/dev/null
! in_ns ping -q -c1 -W1 $gate >/dev/null || fail "answers a ping when stopped"
console "set fwd icmpecho" "start" >/dev/null
check "icmpecho" in_ns ping -q -c2 -i0.2 -W10 $gate
console "set fwd serve" "clear port stats all" "set log tcp debug" "set log tcp warning" >/dev/null
console 'service add {"name": "more", "type": "http", "listen": "10.77.0.2:81", "body_bytes": 77}' || fail "service add"
equal "the added service" "$(in_ns curl -s -m 60 http://$gate:81/ | wc -c)" 77
console "service drain more" "service remove more"
status=0; in_ns curl -s -m 60 -o /dev/null http://$gate:81/ || status=$?
equal "the removed service" $status 7
! console "service remove more" >/dev/null || fail "removed twice"
! console "show nonsense" >/dev/null || fail "nonsense succeeded"

console "capture start page.pcapng" || fail "capture start"
in_ns curl -s -m 60 -o /dev/null http://$gate/
console "capture stop" || fail "capture stop"
tshark -r "$work/captures/page.pcapng" -Y 'http.response.code == 200' 2>/dev/null | grep -q HTTP || fail "no page captured"
console "port stop 0" "port config mtu 0 1400" "port start 0" || fail "port stop, mtu, start"
equal "page after the port was stopped" "$(in_ns curl -s -m 60 --retry 5 --retry-connrefused http://$gate/ | wc -c)" 1024
kill $client
finish 'tcp_.*|.*_stopped|arp_.*'
