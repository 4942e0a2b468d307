# SPDX-License-Identifier: BSD-3-Clause
# Two dpdk-testpmd that talk to each other over a vhost-user socket, each told
# what to do on its command line. Sourced after _lib.sh.
#
#	pmd_start back "$eal" "--vdev=net_vhost0,iface=$work/sock" "--forward-mode=rxonly"
#	tell back start
#	packets back RX
#	pmd_end back
plugin=$build/pmd/virtio/librte_net_vnic.so

# pmd_start NAME LCORES "EAL-ARGUMENTS" "TESTPMD-ARGUMENTS"
pmd_start() {
	local name=$1 lcores=$2 eal=$3 args=$4
	rm -f "$work/$name.in"
	mkfifo "$work/$name.in"
	: >"$work/$name.log"
	# Line by line: its answers are to come before its next prompt.
	# shellcheck disable=SC2086
	stdbuf -oL dpdk-testpmd $eal_memory --lcores "$lcores" --no-pci --no-telemetry --file-prefix="smcg-$$-$name" $eal -- \
		-i --total-num-mbufs=8192 $args <"$work/$name.in" >"$work/$name.log" 2>&1 &
	eval "pid_$name=$!"
	exec {pmd_fd}>"$work/$name.in"
	eval "fd_$name=$pmd_fd"
	at_exit "end_pid $! 3; rm -rf /run/dpdk/smcg-$$-$name"
	wait_for 40 pmd_ready_or_gone "$name" || true
	_pages_taken
	if ! pmd_ready "$name"; then
		tail -20 "$work/$name.log" >&2
		return 1
	fi
}
pmd_pid() { eval "echo \$pid_$1"; }
pmd_ready() { grep -q '^testpmd>' "$work/$1.log" && ! grep -qE 'Start ports failed|Fail to start port' "$work/$1.log"; }
pmd_ready_or_gone() { pmd_ready "$1" || ! kill -0 "$(pmd_pid "$1")"; }

pmd_end() { # NAME
	local pid
	pid=$(pmd_pid "$1")
	eval "echo quit >&\$fd_$1; exec {fd_$1}>&-"
	wait_for 20 _gone "$pid" || fail "$1 does not end: $(tail -3 "$work/$1.log")"
	wait "$pid" || fail "$1 ended with status $?: $(tail -3 "$work/$1.log")"
}
_gone() { ! kill -0 "$1" || [ "$(ps -o stat= -p "$1" | cut -c1)" = Z ]; }

# Give commands and wait until they are done; what was printed is printed.
tell() { # NAME COMMAND...
	local name=$1 at c=$BASHPID-$RANDOM-$SRANDOM command; shift
	at=$(stat -c %s "$work/$name.log")
	for command in "$@"; do eval "echo '$command' >&\$fd_$name"; done
	eval "echo 'sync-$c.' >&\$fd_$name"
	wait_for 40 grep -q "sync-$c\." "$work/$name.log" || fail "$name does not answer to '$*': $(tail -5 "$work/$name.log")"
	tail -c +$((at + 1)) "$work/$name.log"
}
say_to() { tell "$@" >/dev/null; }

packets() { # NAME RX|TX [PORT]
	tell "$1" "show port stats ${3:-0}" | sed -nE "s/.*$2-packets: *([0-9]+).*/\1/p" | tail -1
}
xstat() { # NAME COUNTER [PORT]
	tell "$1" "show port xstats ${3:-0}" | sed -n "s/^$2: \([0-9]*\)$/\1/p" | tail -1
}

# The number that COMMAND prints grows by at least N, within 15 seconds of looking.
grows_by() { # N COMMAND...
	local n=$1 from now i; shift
	from=$("$@")
	[[ $from =~ ^[0-9]+$ ]] || fail "'$*' does not count: '$from'"
	for ((i = 0; i < 300; i++)); do
		now=$("$@")
		[[ ! $now =~ ^[0-9]+$ ]] || ((now < from + n)) || return 0
		sleep 0.05
	done
	note "$*: $from and then $now"
	return 1
}
