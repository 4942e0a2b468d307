# SPDX-License-Identifier: BSD-3-Clause
# What the interop tests share, beside what they share with the integration tests.
# A test is
#
#	. "$(dirname "$0")/_lib.sh"
#	guest_smc
#	start_gate '{"tcp": {"nagle": false}}'
#	transfer "an echo" smc -p 7 -n 100000
#	finish "$sent_again"
#
# and has smcgate at 10.77.0.2 on two lcores, a Linux guest at 10.77.0.3, in which it
# runs commands by "guest", and the host's kernel at 10.77.0.1 in the namespace $ns, all
# on one segment (_lab.sh). What was on it during a test that failed is kept in the build
# directory's test-logs. The lab is scripts/test's, or the test's own when run by itself; the
# guest's kernel then is Debian 13's, or of the one in $debian.
. "$(dirname "${BASH_SOURCE[0]}")/../integration/_lib.sh"
. "$top/scripts/lib-guest.sh"

interop=$top/tests/interop
name=$(basename "$0" .sh)
peer=10.77.0.3 eid=SMCGATE.TEST
# One of our workers waits for its core beside the guest, and the other fills the ring to it meanwhile:
# what is lost there is sent again.
sent_again+='|steer_ring_full|tx_ring_full'
gate_veth=1500 # nothing_left: no tap of smcgate's

# ---- the lab ---------------------------------------------------------------------
# start_lab DIRECTORY: returns when it is there; leaves the keeper's pid in lab_pid.
start_lab() {
	bash "$interop/_lab.sh" "$1" "${debian:-13}" >"$1/log" 2>&1 </dev/null &
	lab_pid=$!
	at_exit "end_pid $lab_pid"
	wait_for 600 _lab_ready_or_gone "$1" || true
	[ -s "$1/guest" ] || { cat "$1/log" >&2; return 1; }
}
_lab_ready_or_gone() { [ -s "$1/guest" ] || ! kill -0 "$lab_pid" 2>/dev/null; }

join_lab() {
	lab=${SMCGATE_LAB:-}
	if [ -z "$lab" ]; then
		lab=$work/lab
		mkdir "$lab"
		start_lab "$lab" || fail "no lab"
	fi
	ns=$(cat "$lab/ns")
	need_guest
	start_capture
}

# The guest is there and takes commands; one that does not is started again.
need_guest() {
	wait_for 120 [ -s "$lab/guest" ] || fail "no guest"
	guest_name=$(cat "$lab/guest")
	guest_exec "$guest_name" -t 10 true 2>/dev/null || restart_guest
}
restart_guest() {
	note "the guest does not answer: it is started again"
	end_pid "$(cat "$guest_run/$guest_name/pid")" 1
	wait_for 10 [ ! -s "$lab/guest" ] || true
	wait_for 120 [ -s "$lab/guest" ] || fail "no guest"
	guest_exec "$guest_name" -t 10 true || fail "the guest does not answer"
}

# Headers of all frames, in a ring of files; kept when the test fails.
start_capture() {
	local pid
	mkdir "$work/wire"
	ip netns exec "$ns" dumpcap -q -P -s 192 -i br0 -b filesize:20000 -b files:3 -w "$work/wire/wire.pcap" \
		>/dev/null 2>"$work/dumpcap" &
	pid=$!
	at_exit "_keep_capture $pid \$status"
	wait_for 10 grep -q 'File:' "$work/dumpcap" || fail "dumpcap does not run: $(cat "$work/dumpcap")"
}
_keep_capture() { # PID STATUS
	local logs=$build/test-logs/interop-$name file
	end_pid "$1"
	rm -rf "$logs"
	[ "$2" != 0 ] && [ "$2" != 77 ] || return 0
	mkdir -p "$logs"
	cp "$work"/wire/*.pcap "$logs/"
	for file in client server smcgate; do [ ! -f "$work/$file" ] || cp "$work/$file" "$logs/"; done
	guest 'smcctl diag; smcctl lgr; smcctl link; smcctl fallback; dmesg | tail -40' >"$logs/guest" 2>&1
	note "the frames, what the guest says and the log are in $logs"
}

# ---- the guest ---------------------------------------------------------------------
guest() { guest_exec "$guest_name" "$@"; }

# No program of an earlier test, no link group, no device, no EID; an address. A kernel that
# cannot get rid of them, which waits for a peer that is gone, is started again.
guest_tcp() { _guest_reset || { restart_guest; _guest_reset || fail "guest: $(cat "$work/guest")"; }; }
_guest_reset() {
	guest -t 30 'kill -9 $(pidof smctest redis-server redis-benchmark iperf3 curl) 2>/dev/null
		[ ! -d /sys/class/infiniband/rxe0 ] || rdma link del rxe0
		smcctl ueid flush
		tc qdisc del dev eth0 root 2>/dev/null; tc qdisc del dev eth0 ingress 2>/dev/null
		cd /proc/sys/net/smc
		echo 30 >smcr_testlink_time; echo 65536 >rmem; echo 65536 >wmem
		[ ! -e smcr_max_conns_per_lgr ] || { echo 255 >smcr_max_conns_per_lgr; echo 2 >smcr_max_links_per_lgr; }
		smcup eth0 '$peer/24'; ip neigh flush dev eth0' >"$work/guest" 2>&1
}
# The same with a Soft-RoCE device and an EID: ready for SMC-R.
guest_smc() { # [EID]
	guest_tcp
	guest "smcup -r -e ${1:-$eid} eth0 $peer/24" || fail "no RDMA device in the guest"
}

# guest_serve [SMCTEST-OPTION...]: a server in the guest, port 7777.
guest_serve() {
	guest "kill \$(pidof smctest) 2>/dev/null; sleep 0.1; : >/tmp/server; smctest server $* >>/tmp/server 2>&1 &
		n=300; until grep -q listening /tmp/server || [ \$n = 0 ]; do sleep 0.1; n=\$((n - 1)); done
		grep -q listening /tmp/server" || fail "no server in the guest"
}
# How often the guest's client side fell back for a reason, or at all: the kernel's own count.
guest_fallbacks() { # [REASON as in 0x3010000]
	guest 'smcctl fallback' | sed -n "s/^fallback.type=0 .*reason=${1:-0x[0-9a-f]*} .*count=\([0-9]*\).*/\1/p" |
		awk '{ n += $1 } END { print n + 0 }'
}

# ---- transfers -----------------------------------------------------------------------
# A line of smctest on a connection is as wanted: carried by SMC ("smc"), by TCP that no SMC
# was wanted for ("tcp"), after a fallback for REASON or REASON/PEER'S, or any of these ("any").
carried() { # WANTED, of lines on standard input
	case $1 in
	smc) grep -v 'mode=SMC-R ' ;;
	tcp) grep -v 'mode=none' ;;
	any) grep -v 'mode=' ;;
	*/*) grep -v "mode=TCP .*fallback=${1%/*} peer=${1#*/}" ;;
	*) grep -v "mode=TCP .*fallback=$1" ;;
	esac
}
# A handshake gives each answer some seconds. A guest short of CPU, the more so where packets are lost
# besides, comes too late with one some day: then that connection is TCP, for no other reason, and its
# data is as whole. A transfer by SMC is tried again then; on some try all of it is.
too_late='fallback=0x020[12]0000|fallback=0x05000000 peer=0x(020[12]0000|0999000[123])'
# as_wanted WHAT WANTED TRY, with lines of connections on standard input: false to try again.
as_wanted() {
	local bad
	bad=$(carried "$2") || return 0
	if [ "$2" != smc ] || [ "$3" = 4 ] || grep -Evq "$too_late" <<<"$bad"; then
		fail "$1 was not carried as $2: $(head -3 <<<"$bad")"
	fi
	note "$1: an answer was too late: $(head -1 <<<"$bad")"
	console "smc peer forget all" >/dev/null # which is remembered for a while
	return 1
}

# transfer WHAT CARRIED [-t SECONDS] SMCTEST-ARGUMENT...: the guest's client with smcgate.
transfer() {
	local try
	for try in 1 2 3 4; do ! _transfer "$try" "$@" || return 0; done
}
_transfer() { # TRY ...
	local try=$1 what=$2 wanted=$3 limit=200; shift 3
	[ "$1" != -t ] || { limit=$2; shift 2; }
	guest -t "$limit" "smctest client -s $gate $*" >"$work/client" 2>&1 || {
		tail -20 "$work/client" >&2
		fail "$what (status $?)"
	}
	grep -q '^connections=.* failed=0 ' "$work/client" || fail "$what: $(tail -1 "$work/client")"
	grep '^conn=' "$work/client" >"$work/conns" || true
	as_wanted "$what" "$wanted" "$try" <"$work/conns"
}

# through WHAT CARRIED [-t SECONDS] SMCTEST-ARGUMENT...: the host's TCP client through the
# service "out" with the guest's server, to which smcgate speaks SMC.
through() {
	local try
	for try in 1 2 3 4; do ! _through "$try" "$@" || return 0; done
}
_through() { # TRY ...
	local try=$1 what=$2 wanted=$3 limit=200; shift 3
	[ "$1" != -t ] || { limit=$2; shift 2; }
	guest ': >/tmp/server'
	in_ns timeout "$limit" "$build/tests/guest/smctest" client -T -s $gate "$@" >"$work/client" 2>&1 || {
		tail -20 "$work/client" >&2
		fail "$what (status $?)"
	}
	guest 'grep ^accepted /tmp/server' >"$work/server" || fail "$what: the guest accepted nothing"
	as_wanted "$what" "$wanted" "$try" <"$work/server"
}

# One number of the guest's SMC statistics, as smcr.client_v2.
guest_stat() { guest 'smcctl stats' | tr ' ' '\n' | sed -n "s/^stats.$1=//p"; }
guest_groups() { guest 'smcctl lgr' | wc -l; }
# No connection of the guest's is left (its link groups may be).
guest_idle() { [ -z "$(guest 'smcctl diag' | grep -v 'state=10' || true)" ]; }
check_guest_idle() { wait_for 10 guest_idle || fail "the guest has sockets left: $(guest 'smcctl diag')"; }

# ---- smcgate ---------------------------------------------------------------------------
# start_gate [JSON]: as in the integration tests, on gate0 and with two lcores that work;
# start_smc_gate [JSON]: with an RDMA device and services that speak SMC.
start_gate() { _start_gate tcp "${1:-"{}"}"; }
start_smc_gate() { _start_gate smc "${1:-"{}"}"; }
_start_gate() { # tcp|smc JSON
	make_config "$(python3 "$interop/_config.py" "$1" "$2" "$work")"
	huge_pages 400 600
	start_smcgate "$work/config.json" --lcores '0@0,1@0,2@1'
	at_exit "cp $smcgate_log $work/smcgate"
	wait_for 10 in_ns ping -c1 -W1 $gate || fail "no answer to ping"
	sleep 0.2
	idle_pools=$(pools)
}

join_lab
