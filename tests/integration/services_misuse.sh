#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# HTTP requests that are wrong or made to confuse, clients and back ends of the proxy that
# misbehave, servers that the load service does not expect: each is told what it should be,
# and afterwards there is no socket and no buffer left.
. "$(dirname "$0")/_lib.sh"

mkdir -p "$work/www"
echo '<p>hello' >"$work/www/hello.html"
head -c 20000000 /dev/urandom >"$work/www/big.bin"
services() {
	python3 - "$work/www" <<-'END'
		import json, sys
		def proxy(port, *backends, **more):
		    return dict({"name": f"p{port}", "type": "proxy", "listen": f"10.77.0.2:{port}", "backends":
		                 [b if ":" in b else "10.77.0.1:" + b for b in backends], "connect_timeout_ms": 700}, **more)
		print(json.dumps({"tcp": {"receive_buffer_max": 1 << 20, "send_buffer_max": 1 << 20}, "services": [
		    {"name": "web", "type": "http", "listen": "10.77.0.2:80", "directory": sys.argv[1]},
		    {"name": "hasty", "type": "http", "listen": "10.77.0.2:81", "directory": sys.argv[1],
		     "request_timeout_ms": 1000, "idle_timeout_ms": 1500},
		    *[proxy(9000 + n, str(8100 + n)) for n in range(1, 8)],
		    proxy(9008, "8108", proxy_protocol="v2"), proxy(9009, "8110", "8109", "8111"),
		    proxy(9010, "10.77.0.99:80")]}))
	END
}
start_gate "$(services)"

misuse() { # PART
	in_ns timeout 400 python3 "$here/_misuse.py" "$1" >"$work/$1" 2>&1 || fail "$1: $(cat "$work/$1")"
	alive
	wait_for 60 no_sockets || fail "$1: sockets left: $(console "show sockets limit=10")"
}
misuse http
misuse proxy

# The load service, a second on each kind of server: it ends, and has counted what came.
coproc ip netns exec "$ns" timeout 300 python3 "$here/_misuse.py" load
read -r -t 60 answer <&"${COPROC[0]}" && [ "$answer" = ready ] || fail "no servers"
ports=(8200 8201 8202 8203 8204 8205 8206 8207 8208 8209) # nobody listens on the first
for port in "${ports[@]}"; do
	printf '{"name": "l%s", "type": "load", "target": "%s:%s", "connections": 4, "http_path": "/", "connect_rate": 200,
		"duration_s": 1}' "$port" $kernel "$port" >"$work/l$port"
done
console "${ports[@]/#/service add @$work/l}" || fail "service add"
look() { console "${ports[@]/#/show services l}" >"$work/loads"; }
all_ended() { look && [ "$(grep -c '^  ended  *1$' "$work/loads")" = ${#ports[@]} ]; }
wait_for 60 all_ended || fail "loads that do not end: $(cat "$work/loads")"

value() { # PORT COUNTER
	awk -v name="l$1" -v want="  $2 " '$1 == "name" { ours = $2 == name }
		ours && index($0, want) == 1 { print $NF; exit }' "$work/loads"
}
some() { [ "$(value "$1" "$2")" -gt 0 ] || fail "l$1: no $2: $(cat "$work/loads")"; }
none() { equal "l$1: $2" "$(value "$1" "$2")" 0; }
some 8200 "open failed"; none 8200 opened
some 8201 responses; none 8201 "bad responses"; none 8201 errors
for port in 8202 8203 8204 8205 8206 8208; do some $port opened; none $port responses; done
some 8203 errors
some 8204 errors
for port in 8205 8207 8208; do some $port "bad responses"; done
none 8208 errors
some 8209 responses
console "${ports[@]/#/service remove l}" || fail "service remove"
finish 'tcp_.*|neigh_unreachable'
