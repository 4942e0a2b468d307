#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What whoever runs vnicd may do wrong, and what may happen to it: configurations, questions, faults that cannot
# be, interfaces taken away, sockets left behind; and what it costs when there is nothing to do.
. "$(dirname "$0")/_vnicd.sh"

new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1

# ---- configurations: each is refused with the place and the reason ---------------------------
said=
checked() { # JSON: what --check-config says of it
	printf '%s' "$1" >"$work/check.json"
	said=$("$vnicd" -- --check-config -c "$work/check.json" 2>&1) && fail "accepted: $1"
	return 0
}
wrong() { # JSON PATTERN
	checked "$1"
	grep -q -- "$2" <<<"$said" || fail "$1: said '$said', wanted '$2'"
}
port='"name": "p", "path": "p.sock"'
wrong '{' '[0-9]'
wrong '[]' 'object'
wrong '{}' '\$\.ports'
wrong '{"ports": []}' '\$\.ports'
wrong '{"ports": [{"name": "p"}]}' '\$\.ports\[0\]\.path'
wrong '{"ports": [{'"$port"', "mtu": 67}]}' '\$\.ports\[0\]\.mtu: found 67'
wrong '{"ports": [{'"$port"', "mtu": "x"}]}' '\$\.ports\[0\]\.mtu'
wrong '{"ports": [{'"$port"', "queue_size": 1000}]}' '\$\.ports\[0\]\.queue_size.*power of two'
wrong '{"ports": [{'"$port"', "queues": 65}]}' '\$\.ports\[0\]\.queues'
wrong '{"ports": [{'"$port"', "mac": "01:00:00:00:00:01"}]}' '\$\.ports\[0\]\.mac'
wrong '{"ports": [{'"$port"', "features": {"csum": false}}]}' '\$\.ports\[0\]\.features\.tso'
wrong '{"ports": [{'"$port"', "features": {"csum": false, "tso": false}}]}' '\$\.ports\[0\]\.features\.uso.*csum'
wrong '{"ports": [{'"$port"', "features": {"guest_csum": false, "guest_tso": false}}]}' '\$\.ports\[0\]\.features\.guest_uso'
wrong '{"ports": [{'"$port"', "faults": {"drop": 1000001}}]}' '\$\.ports\[0\]\.faults\.drop: found 1000001'
wrong '{"ports": [{'"$port"', "faults": {"drop": -1}}]}' '\$\.ports\[0\]\.faults\.drop'
wrong '{"ports": [{'"$port"', "faults": {"events": [{"kind": "melt"}]}}]}' '\$\.ports\[0\]\.faults\.events\[0\]\.kind'
wrong '{"ports": [{'"$port"', "faults": {"events": [{"kind": "drop", "value": 2000000}]}}]}' '\$\.ports\[0\]\.faults\.events\[0\]'
wrong '{"ports": [{'"$port"', "control": {"concurrency": 0}}]}' '\$\.ports\[0\]\.control\.concurrency'
wrong '{"ports": [{'"$port"', "pth": 1}]}' 'pth'
wrong '{"ports": [{'"$port"'}], "uplinks": [{"name": "u", "tap": "a name that is too long"}]}' '\$\.uplinks\[0\]\.tap'
wrong '{"ports": [{'"$port"'}], "switch": {"table_size": 100}}' '\$\.switch\.table_size.*power of two'
# Names, sockets, interfaces that clash.
wrong '{"ports": [{'"$port"'}, {"name": "p", "path": "q.sock"}]}' '\$\.ports\[1\]\.name.*name of another'
wrong '{"ports": [{'"$port"'}, {"name": "q", "path": "p.sock"}]}' '\$\.ports\[1\]\.path.*path of another'
wrong '{"ports": [{'"$port"'}], "uplinks": [{"name": "p", "tap": "t"}]}' '\$\.uplinks\[0\]\.name.*name of another'
wrong '{"ports": [{'"$port"'}], "uplinks": [{"name": "u", "tap": "t"}, {"name": "w", "tap": "t"}]}' '\$\.uplinks\[1\]\.tap.*interface of another'
# More than one is told at once.
checked '{"ports": [{'"$port"', "mtu": 1, "queues": 0}]}'
equal "errors told at once" "$(grep -c '\$\.ports\[0\]' <<<"$said")" 2

# ---- a socket left behind by one that was killed --------------------------------------------
two='{"ports": [{"name": "p", "path": "$work/p.sock"}, {"name": "q", "path": "$work/q.sock"}],
	"uplinks": [{"name": "u", "tap": "vtap0"}, {"name": "w", "tap": "vtap1"}]}'
vnicd_with "$two"
kill -KILL "$vnicd_pid" 2>/dev/null
wait "$vnicd_pid" 2>/dev/null || true
rm -rf "/run/dpdk/$vnicd_prefix"
[ -S "$work/p.sock" ] || fail "it took its socket with it"
wait_for 10 bash -c "! ip -n $ns link show vtap0 2>/dev/null" || fail "the killed one's interface stayed"
vnicd_with "$two"

# ---- idle: half a percent of a core at most, for two seconds -------------------------------
spent() { awk '{ n += $1 } END { print n }' /proc/"$vnicd_pid"/task/*/schedstat; }
idle() { local t; t=$(spent); sleep 2; [ $(($(spent) - t)) -lt 10000000 ]; }
check "idle" wait_for 30 idle

# ---- questions that make no sense ------------------------------------------------------------
for question in /vnicd/port /vnicd/port, /vnicd/port,nobody /vnicd/port/control /vnicd/port/control,nobody \
	/vnicd/port/control,u /vnicd/port/control,p,latency_us /vnicd/port/control,p,latency_us,-1 /vnicd/port/control,p,latency_us,1e9 \
	/vnicd/port/control,p,concurrency,0 /vnicd/port/control,p,concurrency,99999999999999999999 /vnicd/port/control,p,order,best \
	/vnicd/port/control,p,melt,1 /vnicd/port/fault /vnicd/port/fault, /vnicd/port/fault,p /vnicd/port/fault,p, \
	/vnicd/port/fault,nobody,drop,1 /vnicd/port/fault,p,melt /vnicd/port/fault,p,drop,-1 /vnicd/port/fault,p,drop,1000001 \
	/vnicd/port/fault,p,drop,x /vnicd/port/fault,p,drop,1x /vnicd/port/fault,p,drop,99999999999999999999 \
	/vnicd/port/fault,p,drop,1,2,3 /vnicd/port/fault,p,stall,86400001 /vnicd/port/fault,p,link,2 /vnicd/port/fault,p,lie_len_zero,1,9 \
	/vnicd/port/fault,p,lie_len_zero,1,-1 /vnicd/port/fault,p,ctrl_only,256 /vnicd/port/fault,u,link,0 \
	"/vnicd/port,$(printf 'x%.0s' {1..900})"; do
	equal "answer to $question" "$(ask "$question" '"error" in d')" True
done
# Rates at their ends.
for rate in 0 1 1000000; do
	fault "p,drop,$rate"
	equal "rate" "$(port p 'd["faults"]["drop"]')" "$rate"
done
fault p,clear

# ---- an interface is taken away --------------------------------------------------------------
ip -n "$ns" addr add 10.5.0.1/24 dev vtap1
ip -n "$ns" link del vtap0
until_port u 'not d["up"] and d["last_error"] != ""'
equal "the other one" "$(port w 'd["up"]')" 1
before=$(port w 'd["in_packets"]')
in_ns ping -c 3 -i 0.05 -W 1 10.5.0.9 >/dev/null 2>&1 || true # nobody there: it asks who has it
at_least "packets of the other one" "$(($(port w 'd["in_packets"]') - before))" 1
check "idle without the interface" wait_for 30 idle
ip -n "$ns" link del vtap1
until_port w 'not d["up"]'
check "idle without both" wait_for 30 idle
finish

# ---- a file that is no socket is left alone ---------------------------------------------------
echo precious >"$work/p.file"
echo '{"ports": [{"name": "p", "path": "'"$work"'/p.file"}]}' >"$work/3.json"
status=0
in_ns timeout 60 "$vnicd" --no-huge -m 16 --no-pci --file-prefix="$vnicd_prefix-3" -- -c "$work/3.json" >"$work/out" 2>&1 || status=$?
equal "status with a file in the way" "$status" 1
equal "the file in the way" "$(cat "$work/p.file")" precious
