#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# How the program begins and ends: signals, grace, refusals, what is left behind.
. "$(dirname "$0")/_lib.sh"

mkdir -p "$work/www"
head -c 4000000 /dev/urandom >"$work/www/file"
head -c 64000000 /dev/zero >"$work/www/large" # more than the kernel keeps for a slow reader
ended() { # SECONDS STATUS WHAT
	local status=0
	wait_for "$1" gone "$smcgate_pid" || fail "$3: does not end"
	wait "$smcgate_pid" || status=$?
	equal "$3: exit status" "$status" "$2"
	nothing_left
}
slow_curl() { # FILE
	ip netns exec "$ns" curl -s -m 20 --limit-rate 1000000 -o "$work/copy" "http://$gate/$1" &
	curl_pid=$!
	sleep 0.8
}

# Grace: what is under way ends whole, what is new is refused.
start_gate '{"shutdown": {"grace_ms": 12000}, "tcp": {"send_buffer_max": 65536}}'
slow_curl file
kill -TERM "$smcgate_pid"
sleep 0.3
alive
status=0; in_ns curl -s -m 3 -o /dev/null http://$gate/ || status=$?
equal "a new connection during the grace period" $status 7
check "the transfer under way" wait $curl_pid
equal "its checksum" "$(sum <"$work/copy")" "$(sum <"$work/www/file")"
ended 14 0 "end after grace"

# A second signal hurries; SIGINT is as good.
start_gate '{"shutdown": {"grace_ms": 60000}, "tcp": {"send_buffer_max": 65536}}'
slow_curl large
kill -INT "$smcgate_pid"; sleep 0.5; alive
kill -INT "$smcgate_pid"
ended 4 0 "second signal"
status=0; wait $curl_pid || status=$?
[ $status != 0 ] || fail "the hurried end did not cut the transfer"

# No grace: reset at once.
start_gate '{"shutdown": {"grace_ms": 0}}'
slow_curl large
kill -TERM "$smcgate_pid"
ended 4 0 "no grace"
wait $curl_pid || true

# Refusals: all errors at once, status not 0, nothing left.
run() { # ARGUMENT...
	status=0
	# shellcheck disable=SC2086
	in_ns timeout 20 "$smcgate" $eal_memory --no-pci --file-prefix="$smcgate_prefix" --lcores '0@0,1@1' -- "$@" \
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
ended 10 0 "quit"
run -c "$work/config.json" --strict --cmdline-file "$work/commands"
[ $status != 0 ] && [ $status != 124 ] || fail "--strict went on after a bad command: $status"
nothing_left
