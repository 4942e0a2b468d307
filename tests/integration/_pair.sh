# SPDX-License-Identifier: BSD-3-Clause
# Two gateways: a kernel client at 10.77.0.1 speaks TCP to A (10.77.0.2), A speaks SMC over
# software RoCE to B (10.78.0.1 to 10.78.0.2, two ends of a veth pair), B speaks TCP to a
# kernel server at 10.79.0.1:8081. A relays ports 8080, 80 (pages of 1 KiB from B) and 7
# (echo of B).
. "$(dirname "${BASH_SOURCE[0]}")/_lib.sh"

# start_pair [JSON [LCORES-OF-A [LCORES-OF-B]]]: see _pair.py.
start_pair() {
	local i
	mkdir -p "$work/www"
	python3 "$here/_pair.py" "$work" "${1:-"{}"}"
	new_namespace
	in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n "$ns" link add linka type veth peer name linkb
	for i in linka linkb; do
		ip -n "$ns" link set $i up
		in_ns ethtool -K $i tx off rx off tso off gso off gro off >/dev/null 2>&1 || true
	done
	start_one b "${3:-0@1,1@1}"
	start_one a "${2:-0@0,1@0}"
	ip -n "$ns" addr add 10.77.0.1/24 dev dtapa
	ip -n "$ns" link set dtapa up
	ip -n "$ns" addr add 10.79.0.1/24 dev dtapb
	ip -n "$ns" link set dtapb up
	wait_for 30 in_ns ping -c1 -W1 10.77.0.2 || fail "no answer from A"
	wait_for 30 in_ns ping -c1 -W1 10.79.0.2 || fail "no answer from B"
}
start_one() { # NAME LCORES
	huge_pages 300 600
	start_smcgate "$work/$1.json" --lcores "$2"
	gate_pid[$1]=$smcgate_pid gate_console[$1]=$console_socket gate_log[$1]=$smcgate_log gate_prefix[$1]=$smcgate_prefix
	use "$1"
	settled_pools
	gate_pools[$1]=$idle_pools
}
declare -A gate_pid gate_console gate_log gate_prefix gate_pools
# Whom console, field, alive and the others ask from now on.
use() { # NAME
	smcgate_pid=${gate_pid[$1]} console_socket=${gate_console[$1]} smcgate_log=${gate_log[$1]}
	smcgate_prefix=${gate_prefix[$1]} idle_pools=${gate_pools[$1]:-}
}
# of NAME COMMAND...: the command with that gateway.
of() { use "$1"; shift; "$@"; }

# smc_count ROLE KEY, of the gateway in use: a number of show smc stats.
smc_count() {
	console "show smc stats" | awk -v role="$1:" -v key="$2" '
		/^[a-z]/ { in_role = ($1 == role) }
		in_role { n = $NF; sub(/^ +/, ""); sub(/ +[0-9]+$/, ""); if ($0 == key) print n }'
}
# reasons: ROLE WHOSE REASON COUNT of each fallback counted by the gateway in use.
reasons() { console "show smc stats" | awk '$1 ~ /^(client|server)$/ && $4 ~ /^0x/ { print $1, $2, $3, $5 }'; }
no_smc_conns() { [ "$(field "show smc connections" matching)" = 0 ]; }

# Both live, nothing is open, buffers are back, no packets lost but for reasons matching
# DROPS; A ends first and tells B of the end of its link groups. finish_pair [DROPS]
finish_pair() {
	local i bad
	for i in a b; do
		use $i
		alive
		wait_for 60 idle_again || { console "show sockets" "show smc connections" "show pools" >&2; fail "$i is not idle again"; }
		wait_for 60 no_smc_conns || fail "$i has SMC connections: $(console "show smc connections")"
		bad=$(lost | grep -Ev "^(${1:-none}) " || true)
		[ -z "$bad" ] || fail "$i lost packets: $bad"
	done
	use a
	gate_veth=1500 end_gate # B's tap is there still
	use b
	holds "link groups of B after A's end" "" lgr_ids
	end_gate
}
lgr_ids() { console "show smc linkgroups" | awk '$1 ~ /^[0-9]+\.[0-9]+$/ { print $1 }'; }
