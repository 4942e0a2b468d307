# SPDX-License-Identifier: BSD-3-Clause
# What the scripts share: places, packages, huge pages, network namespaces,
# starting and ending programs. Sourced by bash scripts, which get -eu and a
# clean-up on exit: everything registered by at_exit runs, last one first.

set -eu -o pipefail
# Debian's own programs and modules, before what else may be installed.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH
umask 022

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${SMCGATE_BUILD:-$top/build}
smcgate=$build/app/smcgate/smcgate

# ---- saying -------------------------------------------------------------------
say() { printf '%s\n' "$*"; }
note() { printf '%s\n' "$*" >&2; }
die() { note "$(basename "$0"): $*"; exit 1; }

# ---- clean-up -------------------------------------------------------------------
_exit_commands=()
at_exit() { _exit_commands+=("$*"); }
_run_exit() {
	local status=$? i
	trap - EXIT INT TERM
	set +e
	for ((i = ${#_exit_commands[@]} - 1; i >= 0; i--)); do eval "${_exit_commands[$i]}"; done
	exit "$status"
}
trap _run_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# End a process by its pid: TERM, then KILL after SECONDS.
end_pid() { # PID [SECONDS]
	local pid=$1 n=$((${2:-10} * 50))
	kill -TERM "$pid" 2>/dev/null || return 0
	while kill -0 "$pid" 2>/dev/null && ((n-- > 0)); do sleep 0.02; done
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

# Wait until a command succeeds: wait_for SECONDS COMMAND..., the time of the command not counted,
# and half a minute at least: a machine with much else to do takes many times what one at ease does.
# Looks often at first.
wait_for() {
	local _left=$((($1 < 30 ? 30 : $1) * 1000)) _nap=10 _seconds; shift
	until "$@" >/dev/null 2>&1; do
		((_left > 0)) || return 1
		printf -v _seconds '0.%03d' $_nap
		sleep "$_seconds"
		_left=$((_left - _nap)) _nap=$((_nap < 70 ? _nap * 3 / 2 : 100))
	done
}

need_root() { [ "$(id -u)" = 0 ] || die "needs root (network namespaces, tap devices, huge pages)"; }

# ---- packages -------------------------------------------------------------------
missing_packages() { # PACKAGE...
	local p
	for p in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || printf '%s ' "$p"
	done
}

install_packages() { # PACKAGE...
	local missing
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	note "installing: $missing"
	need_root
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086
	apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 || {
		apt-get update -qq >/dev/null
		apt-get install -y -qq --no-install-recommends $missing >/dev/null
	} || die "cannot install: $missing"
}

# ---- building -------------------------------------------------------------------
# Configure a build directory, or configure it again if that was done with other options or a
# compiler other than CC: configure_build DIRECTORY HOW OPTION..., where HOW is "again", which
# keeps what was set by hand, or "afresh", which keeps nothing, nor anything built. What it
# was configured with is in DIRECTORY/configured. What meson says is on standard output.
configure_build() {
	local dir=$1 how=$2 wanted; shift 2
	wanted="CC=${CC:-} $*"
	if [ ! -f "$dir/build.ninja" ]; then
		meson setup "$dir" "$top" "$@" || return
	elif [ "$(cat "$dir/configured" 2>/dev/null)" = "$wanted" ]; then
		return 0
	elif [ "$how" = again ]; then
		meson setup --reconfigure "$dir" "$top" "$@" || return
	else
		rm -rf "$dir"
		meson setup "$dir" "$top" "$@" || return
	fi
	echo "$wanted" >"$dir/configured"
}

# ---- huge pages -------------------------------------------------------------------
# Ask for N free 2 MiB pages until the script ends; sets eal_memory to EAL options
# that work, with --no-huge where the system gives no pages. Several scripts at a
# time: each adds its own pages, whatever is free, since what others have added is
# free for a moment when they start a program again; and gives them back.
eal_memory=
_pages_dir=/sys/kernel/mm/hugepages/hugepages-2048kB
_pages_lock=/run/lock/smcgate-hugepages
huge_pages() { # N MEGABYTES
	local want=$1 mb=$2 before free
	if [ -w $_pages_dir/nr_hugepages ]; then
		exec {_pages_fd}>$_pages_lock
		flock -w 200 "$_pages_fd" || note "$_pages_lock is held by another: going on"
		before=$(cat $_pages_dir/nr_hugepages)
		_add_pages "$want"
		at_exit "_add_pages -$(($(cat $_pages_dir/nr_hugepages) - before))"
		free=$(cat $_pages_dir/free_hugepages)
		if ((free >= want)); then
			eal_memory="--in-memory --single-file-segments --iova-mode=va -m $mb"
			return 0
		fi
	fi
	note "no huge pages: running on ordinary ones"
	eal_memory="--no-huge --iova-mode=va -m $mb"
}
_add_pages() { # N, which may be negative
	(
		flock -w 60 9 || true
		n=$(($(cat $_pages_dir/nr_hugepages) + $1))
		echo $((n > 0 ? n : 0)) >$_pages_dir/nr_hugepages 2>/dev/null || true
	) 9>$_pages_lock.count
}
_pages_taken() {
	[ -n "${_pages_fd:-}" ] || return 0
	flock -u "$_pages_fd" # a program started meanwhile may have inherited it
	exec {_pages_fd}>&-
	_pages_fd=
}

# ---- namespaces -------------------------------------------------------------------
# A network namespace of our own, gone when the script ends; its name is in $ns.
# Called again it makes another one.
_ns_count=0
new_namespace() {
	_ns_count=$((_ns_count + 1))
	ns=smcg-$$-$_ns_count
	ip netns add "$ns" || die "cannot make a network namespace"
	at_exit "ip netns del $ns 2>/dev/null"
	ip -n "$ns" link set lo up
}
# In the foreground only: behind a function $! would be a shell, not the program.
in_ns() { ip netns exec "$ns" "$@"; }

# ---- smcgate -------------------------------------------------------------------
# Start smcgate in $ns: start_smcgate CONFIG [ARGUMENT...]; arguments before a
# "--" go to EAL. Returns when it serves. Leaves its pid in $smcgate_pid, its log
# in $smcgate_log, its --file-prefix in $smcgate_prefix and the path of its console
# in $console_socket; ends it when the script ends.
start_smcgate() {
	local config=$1 eal=(); shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do eal+=("$1"); shift; done
	[ $# -eq 0 ] || shift
	_smcgate_count=$((${_smcgate_count:-0} + 1))
	smcgate_prefix=smcg-$$-$_smcgate_count
	smcgate_log=$(mktemp "${TMPDIR:-/tmp}/$smcgate_prefix.XXXXXX.log")
	at_exit "rm -f $smcgate_log"
	console_socket=/run/dpdk/$smcgate_prefix/smcgate.console
	# No function here: $! is to be smcgate itself, which "ip" becomes.
	# shellcheck disable=SC2086
	ip netns exec "$ns" "$smcgate" $eal_memory --no-pci --file-prefix="$smcgate_prefix" "${eal[@]}" -- \
		-c "$config" "$@" >"$smcgate_log" 2>&1 &
	smcgate_pid=$!
	at_exit "end_pid $smcgate_pid"
	wait_for 90 smcgate_ready_or_gone || true
	_pages_taken
	smcgate_ready || {
		cat "$smcgate_log" >&2
		die "smcgate did not start"
	}
}
smcgate_ready() { [ -S "$console_socket" ] && grep -q 'PIPELINE: ready' "$smcgate_log"; }
smcgate_ready_or_gone() { smcgate_ready || ! kill -0 "$smcgate_pid"; }
console() { "$top/scripts/console" -s "$console_socket" "$@"; }
stop_smcgate() { end_pid "$smcgate_pid"; }

# ---- vnicd --------------------------------------------------------------------
# Start vnicd in $ns: start_vnicd CONFIG [EAL-ARGUMENT...]. Returns when its sockets and
# interfaces are there. Leaves its pid in $vnicd_pid, its log in $vnicd_log, its
# --file-prefix in $vnicd_prefix; ends it when the script ends.
vnicd=$build/app/vnicd/vnicd
start_vnicd() {
	local config=$1; shift
	_vnicd_count=$((${_vnicd_count:-0} + 1))
	vnicd_prefix=vnicd-$$-$_vnicd_count
	vnicd_log=$(mktemp "${TMPDIR:-/tmp}/$vnicd_prefix.XXXXXX.log")
	at_exit "rm -f $vnicd_log"
	ip netns exec "$ns" "$vnicd" --no-huge -m 16 --no-pci --file-prefix="$vnicd_prefix" "$@" -- -c "$config" \
		>"$vnicd_log" 2>&1 &
	vnicd_pid=$!
	at_exit "end_pid $vnicd_pid"
	wait_for 60 vnicd_ready_or_gone || true
	vnicd_ready || {
		cat "$vnicd_log" >&2
		die "vnicd did not start"
	}
}
vnicd_ready() { grep -q 'vnicd: ready' "$vnicd_log"; }
vnicd_ready_or_gone() { vnicd_ready || ! kill -0 "$vnicd_pid"; }
# One answer of a DPDK program's telemetry, as JSON: telemetry PREFIX COMMAND.
telemetry() { printf '%s\n' "$2" | timeout 60 dpdk-telemetry.py -f "$1"; }
