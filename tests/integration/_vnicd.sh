# SPDX-License-Identifier: BSD-3-Clause
# What the tests of vnicd share: vnicd in a namespace, stock testpmd on its ports.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

here=$top/tests/integration
work=$(mktemp -d "${TMPDIR:-/tmp}/vnicd-test.XXXXXX")
at_exit "rm -rf $work"

skip() { printf '%s\n' "$*"; exit 77; }
fail() {
	[ -z "${vnicd_prefix:-}" ] || for p in p u a b good; do telemetry "$vnicd_prefix" "/vnicd/port,$p" 2>/dev/null | tr -d "\n " | cut -c1-2500 >&2; done
	note "FAILED: $*"
	[ -z "${vnicd_log:-}" ] || tail -15 "$vnicd_log" >&2
	exit 1
}
check() { local what=$1; shift; "$@" || fail "$what (status $?: $*)"; }
equal() { [ "$2" = "$3" ] || fail "$1: found '$2', wanted '$3'"; }
at_least() { [ "$2" -ge "$3" ] || fail "$1: found '$2', wanted at least '$3'"; }
gone() { ! kill -0 "$1" 2>/dev/null; }

command -v dpdk-testpmd >/dev/null || skip "no dpdk-testpmd"

# vnicd with a configuration; $work in it stands for the directory.
vnicd_with() { # JSON [EAL-ARGUMENT...]
	printf '%s' "${1//\$work/$work}" >"$work/vnicd.json"
	shift
	start_vnicd "$work/vnicd.json" "$@"
}

# ---- asking vnicd ---------------------------------------------------------------
# ask COMMAND PYTHON: the answer is d in the expression, whose value is printed.
ask() {
	telemetry "$vnicd_prefix" "$1" | python3 -c '
import json, sys
d = json.load(sys.stdin)
d = d[list(d)[0]]
print(eval(sys.argv[1]))' "$2"
}
port() { ask "/vnicd/port,$1" "$2"; } # NAME PYTHON
fault() { # NAME,KIND[,VALUE[,QUEUE]]
	local said
	said=$(ask "/vnicd/port/fault,$1" 'd.get("error", d.get("result"))')
	equal "fault $1" "$said" "done"
}
port_is() { [ "$(port "$1" "$2")" = "$3" ]; } # NAME PYTHON VALUE
# until_port NAME PYTHON: the expression becomes true.
until_port() { wait_for 15 port_is "$1" "bool($2)" True || fail "$1: never $2: $(port "$1" d)"; }
# The front end runs and has left buffers.
port_ready() { until_port "$1" 'd["up"] and d["queues"]["0"]["waiting"] > 0'; }

# ---- stock testpmd ----------------------------------------------------------------
# start_testpmd NAME VDEV-ARGUMENTS [ARGUMENT...]: testpmd in $ns on one net_virtio_user,
# or on $testpmd_vdev with $testpmd_driver; not forwarding yet; its pid in ${pmd_pid[NAME]}.
testpmd_vdev=net_virtio_user0 testpmd_driver=()
declare -A pmd_pid pmd_in pmd_log pmd_prefix
start_testpmd() {
	local name=$1 vdev=$2 fd; shift 2
	pmd_prefix[$name]=vnicd-$name-$$-$((RANDOM))
	pmd_log[$name]=$work/$name.log
	rm -f "$work/$name.in"
	mkfifo "$work/$name.in"
	ip netns exec "$ns" stdbuf -oL dpdk-testpmd --no-huge -m 192 --no-pci --file-prefix="${pmd_prefix[$name]}" --lcores '0@0,1@1' \
		"${testpmd_driver[@]}" --vdev="$testpmd_vdev,$vdev" -- -i --total-num-mbufs=8192 "$@" <"$work/$name.in" >"${pmd_log[$name]}" 2>&1 &
	pmd_pid[$name]=$!
	at_exit "end_testpmd $name"
	exec {fd}>"$work/$name.in"
	pmd_in[$name]=$fd
}
# A command; its output appears in the log.
pmd() { local fd=${pmd_in[$1]}; echo "${*:2}" >&"$fd"; }
pmd_says() { # NAME PATTERN
	wait_for 30 grep -q "$2" "${pmd_log[$1]}" || fail "testpmd $1 never says $2: $(tail -5 "${pmd_log[$1]}")"
}
pmd_stat() { # NAME KEY
	telemetry "${pmd_prefix[$1]}" /ethdev/stats,0 | python3 -c '
import json, sys
print(json.load(sys.stdin)["/ethdev/stats"][sys.argv[1]])' "$2"
}
pmd_received() { [ "$(pmd_stat "$1" ipackets)" -ge "$2" ]; } # NAME PACKETS
end_testpmd() {
	local fd=${pmd_in[$1]:-}
	[ -n "$fd" ] || return 0
	pmd_in[$1]=
	(echo quit >&"$fd") 2>/dev/null || true # in a shell of its own, for SIGPIPE
	exec {fd}>&-
	wait_for 20 gone "${pmd_pid[$1]}" || kill -KILL "${pmd_pid[$1]}"
	wait "${pmd_pid[$1]}" 2>/dev/null || true
	rm -rf "/run/dpdk/${pmd_prefix[$1]}"
}

# ---- the end ------------------------------------------------------------------------
# vnicd lives, ends with status 0 and leaves nothing.
finish() {
	local status=0 s
	! gone "$vnicd_pid" || fail "vnicd ended"
	kill -TERM "$vnicd_pid"
	wait_for 20 gone "$vnicd_pid" || fail "vnicd does not end"
	wait "$vnicd_pid" || status=$?
	equal "exit status" "$status" 0
	[ ! -e "/run/dpdk/$vnicd_prefix" ] || fail "left: $(ls -R "/run/dpdk/$vnicd_prefix")"
	for s in "$work"/*.sock; do
		[ ! -S "$s" ] || [ -n "${sockets_stay:-}" ] || fail "left the socket $s"
	done
	! ip -n "$ns" -o link | grep -q vtap || fail "left an interface"
}
