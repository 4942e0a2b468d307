#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# make.sh DIRECTORY: captures of SMC-R between two Linux guests (README.md says which),
# as scripts/guest capture DIRECTORY makes them.
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
. "$top/scripts/lib-guest.sh"

[ $# = 1 ] || die "usage: scripts/guest capture DIRECTORY"
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/smcgate-captures.XXXXXX")
at_exit "rm -rf $work"
eid=SMCGATE.TEST server=10.77.0.3
a=a-$$ b=b-$$

on_a() { guest_exec "$a" -t 60 "$1"; }
on_b() { guest_exec "$b" -t 60 "$1"; }
client() { on_b "smctest client -s $server $*" >"$work/client" || true; }

# No link group is left; then the EIDs given, and RDMA devices unless there is none.
fresh() { # EID-OF-A EID-OF-B
	local up='smcctl ueid flush; [ ! -d /sys/class/infiniband/rxe0 ] || rdma link del rxe0'
	on_a "$up; [ -z '$1' ] || { smcctl ueid add $1; rdma link add rxe0 type rxe netdev eth0; }"
	on_b "$up; [ -z '$2' ] || { smcctl ueid add $2; rdma link add rxe0 type rxe netdev eth0; }"
	sleep 0.5
}
serve() { # [SMCTEST-OPTION...]
	on_a "kill \$(pidof smctest) 2>/dev/null; sleep 0.2; smctest server $* >/tmp/server 2>&1 &
		until grep -q listening /tmp/server; do sleep 0.1; done"
}

# capture NAME WANTED OCTETS COMMAND...: what is on the wire during the command, of each
# frame that many octets; the client's report has to match.
capture() {
	local name=$1 wanted=$2 octets=$3 pid; shift 3
	ip netns exec "$ns" dumpcap -q -P -s "$octets" -i br0 -w "$out/$name.pcap" 2>"$work/dumpcap" &
	pid=$!
	at_exit "end_pid $pid"
	wait_for 10 grep -q 'File:' "$work/dumpcap" || die "dumpcap does not run: $(cat "$work/dumpcap")"
	sleep 0.2
	"$@"
	sleep 1
	kill -INT $pid
	wait $pid || true
	grep -Eq "$wanted.*result=ok" "$work/client" || die "$name: $(cat "$work/client")"
	say "$(stat -c '%6s octets' "$out/$name.pcap")  $name"
}

two_guests() {
	local i
	new_namespace
	ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ip -n "$ns" link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	for i in tap0 tap1; do
		ip -n "$ns" tuntap add $i mode tap
		ip -n "$ns" link set $i master br0 up
	done
	ip -n "$ns" link set br0 promisc on up
	guest_start "$a" -n "$ns" -t tap0
	guest_start "$b" -n "$ns" -t tap1
	on_a "smcup eth0 $server/24"
	on_b "smcup eth0 10.77.0.4/24; ping -c1 $server >/dev/null"
}

two_guests
no_device='mode=TCP.*fallback=0x03030000'
declined='mode=TCP.*fallback=0x05000000 peer=0x0303'
fresh '' $eid; serve
capture no-device-server "$declined" 0 client -n 500
fresh $eid ''; serve
capture no-device-client "$no_device" 0 client -n 500
fresh $eid OTHER.EID; serve
capture eid-mismatch "$declined" 0 client -n 500
fresh $eid $eid; serve -T
capture tcp-server 'mode=TCP.*fallback=0x03010000' 0 client -n 500
serve
capture tcp-client mode=none 0 client -T -n 500
capture first-contact mode=SMC-R 0 client -n 2000
capture second-connection mode=SMC-R 0 client -n 2000
capture two-open mode=SMC-R 0 client -c 2 -j 2 -n 500
capture ping-pong mode=SMC-R 0 client -L 10 -m 64
capture half-close mode=SMC-R 0 client -n 2000 -H
capture abort mode=SMC-R 0 client -n 2000 -A -W 300
capture urgent mode=SMC-R 0 client -n 600 -m 200 -U
capture ipproto mode=SMC-R 0 client -I -n 500
serve -R 16384 -S 16384
capture wrap mode=SMC-R 128 client -n 40000 -m 5000 -R 16384 -S 16384
serve -w 1000 -R 16384 -S 16384
capture write-blocked mode=SMC-R 128 client -n 40000 -m 20000 -R 16384 -S 16384

# The server's limits: one link, so no ADD LINK.
on_a 'echo 1 >/proc/sys/net/smc/smcr_max_links_per_lgr; echo 16 >/proc/sys/net/smc/smcr_max_conns_per_lgr'
fresh $eid $eid; serve
capture one-link mode=SMC-R 0 client -n 500
on_b 'echo 1 >/proc/sys/net/smc/smcr_testlink_time'
fresh $eid $eid; serve
capture test-link mode=SMC-R 0 client -n 500 -W 2500

# The client's system goes down, which it says to the server.
fresh $eid $eid; serve
leave() { client -n 500; guest_exec "$b" -t 2 'reboot -f' >"$work/reboot" 2>&1 || true; sleep 1; }
capture reboot mode=SMC-R 0 leave
