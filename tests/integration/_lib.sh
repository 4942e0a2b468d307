# SPDX-License-Identifier: BSD-3-Clause
# What the integration tests share. A test is
#
#	. "$(dirname "$0")/_lib.sh"
#	start_gate '{"tcp": {"nagle": false}}'
#	in_ns curl ...
#	finish
#
# and has smcgate at 10.77.0.2 on dtap0, the kernel's end of which is 10.77.0.1.
# Exit status 77 means skipped, with the reason printed last.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

gate=10.77.0.2 kernel=10.77.0.1
here=$top/tests/integration
export gate kernel
# What a peer or we without enough CPU lose that way is no fault: it sends again what was not
# acknowledged at once, and probes windows. Where we sent our last FIN again, its second
# acknowledgement finds nobody but the listener.
sent_again='tcp_duplicate_data|tcp_listen_ignored|tcp_out_of_window|tcp_syn_unexpected|tcp_time_wait'
work=$(mktemp -d "${TMPDIR:-/tmp}/smcgate-test.XXXXXX")
at_exit "rm -rf $work"

skip() { printf '%s\n' "$*"; exit 77; }
fail() {
	note "FAILED: $*"
	[ -z "${smcgate_log:-}" ] || tail -5 "$smcgate_log" >&2
	exit 1
}
# check NAME COMMAND...: the command succeeds.
check() { local what=$1; shift; "$@" || fail "$what (status $?: $*)"; }
equal() { [ "$2" = "$3" ] || fail "$1: found '$2', wanted '$3'"; }

# make_config [JSON]: $work/config.json with four services; keys in JSON replace
# whole values, those in its "port" change the port.
make_config() {
	mkdir -p "$work/www"
	python3 "$here/_config.py" "$work" "${1:-"{}"}" >"$work/config.json"
}

# The kernel's end of the tap.
kernel_side() { # [INTERFACE]
	local dev=${1:-dtap0}
	wait_for 30 ip -n "$ns" link show "$dev" || fail "no interface $dev"
	ip -n "$ns" addr add $kernel/24 dev "$dev"
	ip -n "$ns" link set "$dev" up
	wait_for 30 in_ns ping -c1 -W1 $gate || fail "no answer to ping"
}

# start_gate [JSON [EAL-ARGUMENT...]]: a namespace, smcgate in it, addresses.
start_gate() {
	make_config "${1:-}"
	shift || true
	huge_pages 200 400
	new_namespace
	in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	[ $# -gt 0 ] || set -- --lcores '0@0,1@1'
	[ -z "${gate_veth:-}" ] || make_veth
	start_smcgate "$work/config.json" "$@"
	[ -n "${gate_no_address:-}" ] || kernel_side
	settled_pools
}

# What the pools hold when nothing goes on, in $idle_pools: three looks in a row agree.
settled_pools() {
	local same=0 now i
	idle_pools=
	for ((i = 0; i < 100 && same < 3; i++)); do
		sleep 0.1
		now=$(pools)
		same=$([ "$now" = "$idle_pools" ] && echo $((same + 1)) || echo 1)
		idle_pools=$now
	done
}

# Instead of a tap, a pair of kernel interfaces, dtap0 and gate0, for a port by
# net_pcap0 on gate0: gate_veth=MTU. Nothing on it leaves work to offloads.
make_veth() {
	local i
	ip -n "$ns" link add dtap0 type veth peer name gate0 || fail "no pair of interfaces"
	for i in dtap0 gate0; do
		ip -n "$ns" link set $i mtu "$gate_veth" up
		in_ns ethtool -K $i tx off rx off tso off gso off gro off >/dev/null 2>&1 || true
	done
}

# ---- looking --------------------------------------------------------------------
# One value of a view: field "show tcp stats" "in segs".
field() { console "$1" | sed -n "s/^ *$2  *//p" | head -1; }
pools() { console "show pools" | awk '$1 ~ /^[0-9]+$/ { print $1, $2, $5 }'; }
lost() { # [REASON]
	console "show drops" | awk -v want="${1:-}" '
		/^[a-z]/ { section = $1 }
		section == "lost:" && NF == 2 && $2 ~ /^[0-9]+$/ && (want == "" || $1 == want) { print $1, $2; n += $2 }
		END { if (want != "" && !n) print want, 0 }'
}
lost_count() { lost "$1" | awk '{ n += $2 } END { print n + 0 }'; }
no_sockets() { [ "$(field "show sockets limit=1" matching)" = 0 ]; }
idle_again() { no_sockets && [ "$(pools)" = "$idle_pools" ]; }
# holds NAME VALUE COMMAND...: within a while the command says VALUE.
says() { [ "$("${@:2}")" = "$1" ]; }
holds() {
	wait_for 30 says "${@:2}" || fail "$1: found '$("${@:3}")', wanted '$2'"
}
alive() { kill -0 "$smcgate_pid" 2>/dev/null || fail "smcgate ended"; }

# ---- the end of a test -------------------------------------------------------------
# finish [DROPS]: smcgate lives, has no sockets and its buffers back, lost no packets
# but for reasons matching DROPS, ends with status 0 and leaves nothing.
finish() {
	local bad status=0
	alive
	wait_for "${idle_seconds:-60}" idle_again || {
		console "show sockets limit=10" "show pools" >&2
		fail "not idle again; pools were: $idle_pools"
	}
	bad=$(lost | grep -Ev "^(${1:-none}) " || true)
	[ -z "$bad" ] || fail "packets lost: $bad"
	end_gate
}
end_gate() {
	local status=0 link
	kill -TERM "$smcgate_pid"
	wait_for 60 gone "$smcgate_pid" || fail "does not end"
	wait "$smcgate_pid" || status=$?
	equal "exit status" "$status" 0
	nothing_left
}
gone() { ! kill -0 "$1" 2>/dev/null; }
nothing_left() {
	[ ! -e "/run/dpdk/$smcgate_prefix" ] || fail "left: $(ls -R "/run/dpdk/$smcgate_prefix")"
	[ -n "${gate_veth:-}" ] || ! ip -n "$ns" -o link | grep dtap || fail "left an interface"
	! ls /dev/hugepages/"$smcgate_prefix"* 2>/dev/null || fail "left huge pages"
}

# A kernel web server for files in $work/www on port 8081, at which the proxy's
# back end is; leaves its pid in $web_pid.
start_web() {
	ip netns exec "$ns" python3 -m http.server --bind $kernel --directory "$work/www" 8081 >/dev/null 2>&1 &
	web_pid=$!
	at_exit "end_pid $web_pid"
	wait_for 30 in_ns nc -z $kernel 8081 || fail "the kernel's web server did not start"
}
# A transfer by HTTP that is under way and stands still until go_slow, so that no test has
# to guess how long one takes. Leaves its pid in $slow_pid, what it gets in $work/copy and
# what it says in $work/slow.
start_slow() { # HOST PORT PATH
	[ -p "$work/go.slow" ] || mkfifo "$work/go.slow"
	: >"$work/slow" # now: the background would do it at its leisure, and an earlier one said something
	ip netns exec "$ns" python3 "$here/_slow.py" "$@" "$work/copy" "$work/go.slow" >"$work/slow" 2>&1 &
	slow_pid=$!
	at_exit "kill $slow_pid 2>/dev/null"
	wait_for 30 grep -q "under way" "$work/slow" || fail "no transfer: $(cat "$work/slow")"
}
go_slow() { timeout 20 bash -c 'echo go >"$1"' - "$work/go.slow" || fail "the slow reader is gone: $(cat "$work/slow")"; }
sum() { sha256sum "$@" | cut -d' ' -f1; }

# A relay (_relay.py ARGUMENT...) between dtap0 and the kernel's end, which is k0
# then; leaves its pid in $relay_pid and what it says in $work/relay.
start_relay() {
	ip -n "$ns" link set dtap0 up
	ip netns exec "$ns" python3 -u "$here/_relay.py" "$@" >"$work/relay" 2>&1 &
	relay_pid=$!
	at_exit "end_pid $relay_pid"
	wait_for 30 grep -q ready "$work/relay" || fail "the relay does not run: $(cat "$work/relay")"
	kernel_side k0
	settled_pools
}
