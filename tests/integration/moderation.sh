#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Moderation over a vnicd port: an idle queue costs next to nothing, a busily polled one a core; modes
# change under traffic; what a profile says of the device reaches it, and a queue that spins asks for
# nothing; the history moves.
. "$(dirname "$0")/_vnicd.sh"

new_namespace
cd "$work"
vnicd_with '{"ports": [{"name": "p", "path": "$work/p.sock"}], "uplinks": [{"name": "u", "tap": "vmod0"}]}'
ip -n "$ns" addr add 10.77.0.1/24 dev vmod0
ip -n "$ns" link set vmod0 up
cat >gate.json <<-END
	{"ports": [{"name": "p", "device": "net_vnic0", "vdev": "net_vnic0,path=$work/p.sock", "addresses": ["10.77.0.2/24"],
		"moderation": {"max_latency_us": 1000, "profile": 0, "profiles": [
			{"sleep_us": 5, "spin": 64, "usecs": 4, "packets": 64}, {"sleep_us": 20, "spin": 64, "usecs": 20, "packets": 64},
			{"sleep_us": 50, "spin": 32, "usecs": 60, "packets": 64}, {"sleep_us": 100, "spin": 16, "usecs": 150, "packets": 64}]}}],
	 "memory": {"rx_buffers": 4096, "payload_buffers": 4096, "header_buffers": 4096},
	 "services": [{"name": "web", "type": "http", "listen": "10.77.0.2:80", "body_bytes": 1000}]}
END
huge_pages 200 400
start_smcgate "$work/gate.json" --lcores '0@0,1@1'
wait_for 30 in_ns ping -c1 -W1 10.77.0.2 || fail "no answer to ping"

# moderation KEY: of the queue, by telemetry.
asked() { telemetry "$smcgate_prefix" "/smcgate/moderation,0,0" | python3 -c '
import json, sys
d = json.load(sys.stdin)["/smcgate/moderation"]
print(eval(sys.argv[1], {"q": d["queues"][0] if isinstance(d["queues"], list) else d["queues"]["0"], "d": d}))' "$1"; }
asked_is() { [ "$(asked "$1")" = "$2" ]; }
device_is() { [ "$(port p 'd["queues"]["0"]["coal_usecs"]')" = "$1" ]; }
# ns that all its threads have run, and with "wanted" have waited for a core besides.
used() { cat /proc/"$smcgate_pid"/task/*/schedstat | awk -v wanted="$1" '{ n += $1 + (wanted ? $2 : 0) } END { printf "%.0f\n", n }'; }
percent() { # SECONDS [wanted]: of a core
	local a t; a=$(used "${2:-}") t=$(date +%s%N); sleep "$1"; echo $((($(used "${2:-}") - a) * 100 / ($(date +%s%N) - t)))
}
sleeps() { console "show lcore 1" | sed -n 's/^sleeps  *//p'; }

equal "mode at first" "$(asked 'q["mode"] + " " + q["direction"]')" "adaptive parked"
wait_for 5 device_is 4 || fail "the first profile is not with the device: $(port p 'd["queues"]["0"]')"
# On a machine that has other things to do all costs more, and clocks are read late: once at least.
for try in 1 2 3 4 5 6; do
	idle=$(percent 2)
	say "idle: $idle % of a core"
	[ "$idle" -ge 3 ] || break
done
[ "$idle" -lt 3 ] || fail "an idle queue takes $idle % of a core"

# Busily polled: no sleep, and nothing is asked of the device.
check "busy-poll" console "set moderation p busy-poll"
equal "what busy-poll adds" "$(asked 'q["adds_us"]')" 0
before="$(sleeps) $(asked 'q["posts"]')"
for try in 1 2 3 4 5 6; do
	busy=$(percent 1 wanted)
	equal "sleeps and posts of a queue polled busily" "$(sleeps) $(asked 'q["posts"]')" "$before"
	say "busy-poll: wants $busy % of a core"
	[ "$busy" -lt 80 ] || break
done
[ "$busy" -ge 80 ] || fail "a queue polled busily wants $busy % of a core only"

# A profile reaches the device when the lcore first sleeps on its interrupt.
check "static" console "set moderation 0 0 static 3"
wait_for 5 device_is 150 || fail "the device still waits $(port p 'd["queues"]["0"]["coal_usecs"]') us"
equal "as the driver has it" "$(asked 'str(q["device_usecs"]) + " " + q["device_coalesces"]')" "150 yes"
[ "$(asked 'q["adds_us"]')" -le 1000 ] || fail "adds more than it may: $(asked q)"
console "set moderation 0 static 4" >/dev/null && fail "a profile that is not there is taken"

# Modes change while clients are served, who do not notice.
check "adaptive" console "set moderation all adaptive"
ip netns exec "$ns" wrk -t1 -c16 -d300s --timeout 100s http://10.77.0.2/ >wrk.log 2>&1 &
wrk_pid=$!
at_exit "end_pid $wrk_pid"
for mode in busy-poll "static 0" adaptive "static 2" busy-poll adaptive; do
	sleep 0.3
	check "$mode" console "set moderation p $mode"
done
# On a machine with much else to do few wakes come: until it has gone somewhere.
wait_for 20 asked_is 'q["changes"] > 0 and len(d["history"]) > 1' True || fail "adaptive stays where it is: $(asked d)"
kill -INT $wrk_pid
wait $wrk_pid || true
say "$(grep Requests/sec wrk.log)"
! grep -E "Socket errors|Non-2xx" wrk.log || fail "clients noticed"
at_least "requests" "$(sed -n 's/^ *\([0-9]*\) requests in.*/\1/p' wrk.log)" 100
console "show moderation 0 0"

# Idle again, it is where it began, and so is the device.
wait_for 5 asked_is 'str(q["profile"]) + q["direction"]' 0parked || fail "not back: $(asked q)"
wait_for 5 device_is 4 || fail "the device is not back: $(port p 'd["queues"]["0"]')"
equal "refused" "$(asked 'q["refused"]')" 0
# Afresh after a stop: once more the first profile, once.
posts=$(asked 'q["posts"]')
check "stop" console "port stop 0" "port start 0"
wait_for 5 asked_is 'q["posts"]' 1 || fail "after a stop: $(asked q), before it $posts"
wait_for 5 device_is 4 || fail "after a stop the device waits $(port p 'd["queues"]["0"]["coal_usecs"]') us"
# Afresh after a reset of the queue alone, too; bounds and profiles change while it runs.
wait_for 5 asked_is 'q["device_coalesces"]' yes || fail "not asked: $(asked q)"
check "reset" console "port 0 rxq 0 reset" >/dev/null
wait_for 5 asked_is 'str(q["windows"]) + str(q["posts"])' 01 || fail "after a reset: $(asked q)"
check "profile" console "set moderation 0 profile 0 5 64 9 32"
wait_for 5 device_is 9 || fail "the changed profile is not with the device"
check "bound" console "set moderation 0 0 max-latency 160"
[ "$(asked 'q["max_latency_us"]')" = 160 ] && [ "$(asked 'q["adds_us"]')" -le 160 ] || fail "the bound is not kept: $(asked q)"
kill -TERM "$smcgate_pid"
wait_for 20 gone "$smcgate_pid" || fail "smcgate does not end"
finish
