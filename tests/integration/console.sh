#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The console of a running smcgate: over its socket, from a file, from a pipe;
# telemetry beside it; services and ports changed under traffic; a capture.
. "$(dirname "$0")/../../scripts/lib.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/smcgate-console.XXXXXX")
at_exit "rm -rf $work"
fail() { note "FAILED: $*"; [ -z "${smcgate_log:-}" ] || tail -5 "$smcgate_log" >&2; exit 1; }
# expect NAME PATTERN COMMAND...: the output of console commands has a line like it.
expect() {
	local what=$1 pattern=$2 out; shift 2
	out=$(console "$@") || fail "$what: a command failed: $out"
	grep -Eq -- "$pattern" <<<"$out" || fail "$what: no line like '$pattern' in: $out"
}
# refused NAME PATTERN COMMAND: it fails, saying so.
refused() {
	local out
	if out=$(console "$3"); then fail "$1: '$3' succeeded"; fi
	grep -Eq -- "^error: .*$2" <<<"$out" || fail "$1: no error like '$2' in: $out"
}
page() { in_ns curl -s -m 5 -o /dev/null -w '%{http_code}' "http://10.77.0.2:${1:-80}/" || true; }
equal() { [ "$2" = "$3" ] || fail "$1: found '$2', wanted '$3'"; }

mkdir "$work/captures"
cat >"$work/config.json" <<JSON
{ "ports": [{ "name": "tap0", "device": "net_tap0", "vdev": "net_tap0,iface=dtap0",
              "addresses": ["10.77.0.2/24"] }],
  "services": [{ "name": "web", "type": "http", "listen": "10.77.0.2:80", "body_bytes": 1000 },
               { "name": "echo", "type": "echo", "listen": "10.77.0.2:7" }],
  "shutdown": { "grace_ms": 500 }, "capture": { "directory": "$work/captures" } }
JSON
huge_pages 160 320
new_namespace
start_smcgate "$work/config.json" --lcores '0@0,1@1'
wait_for 10 ip -n "$ns" link show dtap0 || fail "no tap"
ip -n "$ns" addr add 10.77.0.1/24 dev dtap0
ip -n "$ns" link set dtap0 up
wait_for 10 in_ns ping -c1 -W1 10.77.0.2 || fail "no answer to ping"
equal "mode of the socket" "$(stat -c %a "$console_socket")" 600

# A capture while a page is fetched.
console 'capture start web.pcapng port tap0' || fail "capture start"
equal "page" "$(page)" 200
expect "capture" '^[1-9][0-9]* packets in web.pcapng, 0 dropped' 'capture stop'
if command -v tshark >/dev/null; then
	answers=$(tshark -r "$work/captures/web.pcapng" -Y http.response 2>/dev/null | wc -l)
	equal "answers in the capture" "$answers" 1
fi
refused "no way out of the directory" 'allowed a plain name' 'capture start ../out'

# Sockets: a connection that stays.
coproc echo_client { exec ip netns exec "$ns" nc 10.77.0.2 7; }
at_exit "end_pid $echo_client_PID"
client=$echo_client_PID
echo hello >&"${echo_client[1]}"
read -r -t 5 answer <&"${echo_client[0]}" || fail "no echo"
equal "echo" "$answer" hello
expect "sockets" 'ESTABLISHED +tcp +echo' 'show sockets service=echo state=established'
id=$(console 'show sockets service=echo' | awk '/ESTABLISHED/ { print $1 }')
expect "socket" '^cwnd +[1-9]' "show socket $id"
expect "arp" '^10.77.0.1 .*tap0' 'show arp'

# The same by telemetry.
prefix=$(basename "$(dirname "$console_socket")")
ask() { printf '%s\n' "$1" | timeout 20 dpdk-telemetry.py -f "$prefix" 2>/dev/null || true; }
if command -v dpdk-telemetry.py >/dev/null; then
	ask /smcgate/services | grep -q '"name": "echo"' || fail "telemetry's services: $(ask /smcgate/services)"
	ask "/smcgate/socket,$id" | grep -q '"state": "ESTABLISHED"' || fail "telemetry's socket"
	ask /smcgate/lcore,77 | grep -q '"error": "lcore: found' || fail "telemetry's error"
fi

# Services come and go.
console 'service add {"name": "two", "type": "http", "listen": "10.77.0.2:81", "body_bytes": 10}' || fail "add"
equal "page of the new service" "$(page 81)" 200
refused "a name twice" 'runs already' 'service add {"name": "two", "type": "echo", "listen": "10.77.0.2:82"}'
console 'service drain two' || fail "drain"
equal "page of the drained service" "$(page 81)" 000
console 'service remove two' || fail "remove"
refused "removed twice" 'none of those' 'service remove two'
equal "the other service" "$(page)" 200

# Ports and forwarding.
refused "mtu of a running port" 'stop the port first' 'port config mtu tap0 1400'
console stop || fail "stop"
equal "page while stopped" "$(page)" 000
console start || fail "start"
equal "page again" "$(page)" 200
refused "no such port" 'allowed 0 or tap0' 'port stop 3'
refused "nonsense" 'no command' 'nonsense'

# Several at once.
clients=()
for i in 1 2 3 4; do
	console 'show port summary all' 'show config rxtx' 'show routes' >"$work/out$i" &
	clients+=($!)
done
for i in 0 1 2 3; do wait "${clients[i]}" || fail "client $i"; done
cmp -s "$work/out1" "$work/out4" || fail "clients saw different things"

end_pid "$client"
console quit || fail "quit"
wait "$smcgate_pid" || fail "exit status $? after quit"
[ ! -e "$console_socket" ] || fail "the socket is still there"

# Command files and pipes.
printf 'show version\nnonsense\nset burst 7\nshow config rxtx\nquit\n' >"$work/commands"
run_file() { # ARGUMENT...
	# shellcheck disable=SC2086
	in_ns timeout 30 "$smcgate" $eal_memory --no-pci --file-prefix="smcg-$$-f" --lcores '0@0,1@1' \
		-- -c "$work/config.json" "$@" 2>/dev/null
}
out=$(run_file --cmdline-file "$work/commands") || fail "a command file without --strict: status $?"
grep -q '^smcgate> nonsense$' <<<"$out" || fail "lines are not echoed: $out"
grep -q '^burst  7$' <<<"$out" || fail "the file did not run on: $out"
if out=$(run_file --cmdline-file "$work/commands" --strict); then fail "--strict: status 0"; fi
if grep -q 'set burst' <<<"$out"; then fail "--strict: the file ran on"; fi
out=$(run_file -i <"$work/commands") || fail "a pipe: status $?"
grep -q '^error: found .nonsense' <<<"$out" || fail "a pipe: $out"
