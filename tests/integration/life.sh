#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# How the program begins and ends: signals, grace, refusals, what is left behind.
. "$(dirname "$0")/_lib.sh"

mkdir -p "$work/www"
# Larger than what both ends keep for a reader that waits (_slow.py).
head -c 4000000 /dev/urandom >"$work/www/file"
ended() { # SECONDS STATUS WHAT
	local status=0
	wait_for "$1" gone "$smcgate_pid" || fail "$3: does not end"
	wait "$smcgate_pid" || status=$?
	equal "$3: exit status" "$status" "$2"
	nothing_left
}
refused() { # a new connection
	local status=0
	in_ns curl -s -m 10 -o /dev/null http://$gate/ || status=$?
	[ $status = 7 ]
}
signal() { # NAME: sent and seen
	kill -"$1" "$smcgate_pid"
	wait_for 20 grep -q "ending; again to hurry" "$smcgate_log" || fail "SIG$1 does not begin the end"
}

# Grace: what is under way ends whole, what is new is refused, and no time is lost then.
start_gate '{"shutdown": {"grace_ms": 120000}, "tcp": {"send_buffer_max": 65536}}'
start_slow $gate 80 /file
signal TERM
wait_for 20 refused || fail "a new connection is taken in the grace period"
alive
go_slow
status=0; wait "$slow_pid" || status=$?
equal "the transfer under way: $(cat "$work/slow"): status" $status 0
equal "its checksum" "$(sum <"$work/copy")" "$(sum <"$work/www/file")"
ended 30 0 "end after grace"

# A second signal hurries; SIGINT is as good.
start_gate '{"shutdown": {"grace_ms": 120000}, "tcp": {"send_buffer_max": 65536}}'
start_slow $gate 80 /file
signal INT
sleep 0.5; alive
kill -INT "$smcgate_pid"
ended 30 0 "second signal"
go_slow
status=0; wait "$slow_pid" || status=$?
[ $status != 0 ] || fail "the hurried end did not cut the transfer"

# No grace: reset at once.
start_gate '{"shutdown": {"grace_ms": 0}, "tcp": {"send_buffer_max": 65536}}'
start_slow $gate 80 /file
kill -TERM "$smcgate_pid"
ended 30 0 "no grace"
go_slow
status=0; wait "$slow_pid" || status=$?
[ $status != 0 ] || fail "an end without grace did not cut the transfer"

# Refusals: all errors at once, status not 0, nothing left.
run() { # ARGUMENT...
	status=0
	# shellcheck disable=SC2086
	in_ns timeout 60 "$smcgate" $eal_memory --no-pci --file-prefix="$smcgate_prefix" --lcores '0@0,1@1' -- "$@" \
		>"$work/out" 2>&1 || status=$?
}
echo '{"ports": [{"name": "a b", "device": "net_tap0", "mtu": 7}], "burst": 0, "gatewy": 1}' >"$work/bad.json"
run -c "$work/bad.json"
[ $status != 0 ] || fail "a bad configuration was taken"
for path in 'ports\[0\].name' 'ports\[0\].mtu' burst gatewy; do
	grep -q "\$.$path" "$work/out" || fail "no error about $path: $(cat "$work/out")"
done
nothing_left
status=0; "$smcgate" -- --check-config -c "$work/bad.json" >/dev/null 2>&1 || status=$?
[ $status != 0 ] || fail "--check-config took a bad configuration"
check "--check-config" "$smcgate" -- --check-config -c "$work/config.json"
check "--check-config with lcores" "$smcgate" --no-pci -l 0,1 -- --check-config -c "$work/config.json"
python3 - "$work" <<-'END'
	import json, sys
	conf = json.load(open(sys.argv[1] + "/config.json"))
	conf["lcores"] = [{"lcore": 7, "queues": [{"port": conf["ports"][0]["name"], "queue": 0}]}]
	json.dump(conf, open(sys.argv[1] + "/lcore7.json", "w"))
END
check "--check-config, lcores not given" "$smcgate" -- --check-config -c "$work/lcore7.json"
checked() { status=0; "$smcgate" "$@" -- --check-config -c "$work/lcore7.json" >"$work/out" 2>&1 || status=$?; }
checked -l 0,1
[ $status != 0 ] || fail "--check-config took an lcore that EAL does not have"
grep -q '^smcgate: \$.lcores\[0\].lcore: found 7, allowed: 1, ' "$work/out" || fail "lcore 7: $(cat "$work/out")"
checked -l 0,9999
[ $status != 0 ] || fail "--check-config took lcores that EAL refuses"
check "--version" "$smcgate" -- --version
make_config '{"port": {"device": "net_tap0", "vdev": "net_tap0,iface=dtap0,remote=none7"}}'
run -c "$work/config.json"
[ $status != 0 ] || fail "a port that cannot be opened was taken"
nothing_left
run -c "$work/none.json"
[ $status != 0 ] || fail "a missing configuration was taken"
nothing_left

# From another directory, with a command file; then a console that says quit.
cd /
printf 'show version\nshow nonsense\n' >"$work/commands"
start_gate '{}' --lcores '0@0,1@1' -- --cmdline-file "$work/commands"
grep -q nonsense "$smcgate_log" || fail "the command file was not run"
console quit || true
ended 30 0 "quit"
run -c "$work/config.json" --strict --cmdline-file "$work/commands"
[ $status != 0 ] && [ $status != 124 ] || fail "--strict went on after a bad command: $status"
nothing_left
