#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Open vSwitch with DPDK as the switch between two ports of our driver, in stock
# dpdk-testpmd: it connects to our sockets (dpdkvhostuserclient), learns, forwards. Packets
# in numbers that every ring takes: none is lost. At full rate: it has got all that was
# sent, we have got all that it has not dropped.
# Long: 20 s, with Open vSwitch.
. "$(dirname "$0")/_lib.sh"

PATH=$PATH:/usr/share/openvswitch/scripts
ovs=$work/ovs
mkdir -p "$ovs"
export OVS_RUNDIR=$ovs OVS_DBDIR=$ovs OVS_LOGDIR=$ovs OVS_SYSCONFDIR=$ovs
db=unix:$ovs/db.sock
vsctl() { timeout 20 ovs-vsctl --db="$db" --no-wait "$@"; }
pmd=$build/pmd/virtio/librte_net_vnic.so

start_ovs() {
	ovsdb-tool create "$ovs/conf.db" /usr/share/openvswitch/vswitch.ovsschema
	ovsdb-server "$ovs/conf.db" --remote="p$db" --log-file="$ovs/db.log" -vconsole:off 2>/dev/null &
	at_exit "end_pid $!"
	wait_for 10 vsctl init || fail "the database of Open vSwitch does not start"
	vsctl set Open_vSwitch . other_config:dpdk-init=true other_config:dpdk-socket-mem=128 other_config:dpdk-socket-limit=256 \
		other_config:pmd-cpu-mask=0x2 other_config:dpdk-lcore-mask=0x1 \
		other_config:dpdk-extra="--in-memory --single-file-segments --no-pci --iova-mode=va --file-prefix=ovs-$$"
	at_exit "rm -rf /run/dpdk/ovs-$$"
	/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk "$db" --unixctl="$ovs/ctl" --log-file="$ovs/vs.log" -vconsole:off 2>/dev/null &
	at_exit "end_pid $!"
	vsctl add-br br0 -- set bridge br0 datapath_type=netdev
	for p in 0 1; do
		vsctl add-port br0 "p$p" -- set Interface "p$p" type=dpdkvhostuserclient \
			"options:vhost-server-path=$ovs/p$p" "options:n_rxq=$queues"
	done
	wait_for 30 grep -q 'added interface p1' "$ovs/vs.log" || fail "Open vSwitch: $(tail -3 "$ovs/vs.log")"
}

# testpmd NAME PORT FORWARD-MODE [ARGUMENT...]: with our driver, listening.
start_testpmd() {
	local name=$1 port=$2 mode=$3; shift 3
	at_exit "rm -rf /run/dpdk/ovs-$name-$$"
	mkfifo "$work/$name.in"
	stdbuf -oL dpdk-testpmd -d "$pmd" --lcores 0@0,1@0 --in-memory --single-file-segments --iova-mode=va -m 128 --no-pci \
		--file-prefix="ovs-$name-$$" \
		--vdev="net_vnic0,path=$ovs/p$port,server=1,queues=$queues,packed=$packed,mac=02:00:00:00:00:0$port" \
		-- -i --forward-mode="$mode" --rxq="$queues" --txq="$queues" --total-num-mbufs=8192 "$@" \
		<"$work/$name.in" >"$work/$name.log" 2>&1 &
	pid[$port]=$!
	at_exit "end_pid $!"
	exec {in[$port]}>"$work/$name.in"
	wait_for 30 grep -q 'testpmd>' "$work/$name.log" || fail "$name did not start: $(tail -5 "$work/$name.log")"
}
declare -A pid in
tell() { printf '%s\n' "$2" >&"${in[$1]}"; }
packets() { # PORT NAME DIRECTION: the last figure it printed, which it has when it answers to what is no command
	local mark=mark$RANDOM$RANDOM
	tell "$1" "show port stats 0"
	tell "$1" "$mark"
	wait_for 30 grep -q "$mark" "$work/$2.log" || fail "testpmd $2 hangs: $(tail -3 "$work/$2.log")"
	awk -v k="$3-packets:" '{ for (i = 1; i < NF; i++) if ($i == k) n = $(i + 1) } END { print n + 0 }' "$work/$2.log"
}
received() { [ "$(packets 1 sink RX)" -ge "$1" ]; }
# What Open vSwitch has counted: switched pN RX|TX packets|dropped
switched() {
	ovs-appctl -t "$ovs/ctl" dpctl/show -s | awk -v p="$1" -v d="$2" -v k="$3" '
		/^ *port / { mine = $3 == p }
		mine && $1 == d { for (i = 2; i <= NF; i++) if (split($i, a, ":") == 2 && a[1] == k) print a[2] + 0 }'
}
# Nothing moves any more: two looks agree.
settled() { local n; n=$(packets 1 sink RX); sleep 0.2; [ "$(packets 1 sink RX)" = "$n" ]; }
# None is lost when each ring has room for what is under way.
few_at_a_time() {
	local i sent=0
	tell 0 "set fwd io"
	for i in 1 2 3 4 5 6; do
		tell 0 "start tx_first 2"
		sent=$((sent + 64 * queues))
		wait_for 10 received $sent || fail "$1: of $sent packets $(packets 1 sink RX) came through Open vSwitch"
		tell 0 stop
	done
	wait_for 10 settled
	equal "$1: sent, and received" "$(packets 0 source TX) $(packets 1 sink RX)" "$sent $sent"
}
# Each packet is received, or counted as dropped by Open vSwitch.
full_rate() {
	local sent got dropped
	tell 0 "set fwd txonly"
	tell 0 start
	wait_for 30 received 10000 || fail "$1: too few packets through Open vSwitch"
	tell 0 stop
	wait_for 10 settled
	sent=$(packets 0 source TX) got=$(packets 1 sink RX) dropped=$(switched p1 TX dropped)
	say "$1: $sent sent, $got received through Open vSwitch, which dropped $dropped"
	equal "$1: Open vSwitch received" "$(switched p0 RX packets)" "$sent"
	equal "$1: Open vSwitch sent" "$(switched p1 TX packets)" "$got"
	equal "$1: received or dropped" $((got + dropped)) "$sent"
}

huge_pages 600 128
for mode in "1 0" "2 1"; do
	read -r queues packed <<<"$mode"
	(
		_exit_commands=()
		trap _run_exit EXIT # what is started here ends here
		start_ovs
		start_testpmd sink 1 rxonly
		start_testpmd source 0 io --eth-peer=0,02:00:00:00:00:01
		_pages_taken
		tell 1 start
		few_at_a_time "$queues queue(s), packed=$packed"
		full_rate "$queues queue(s), packed=$packed"
		for p in 0 1; do tell $p quit; done
		wait_for 20 eval "! kill -0 ${pid[0]} 2>/dev/null && ! kill -0 ${pid[1]} 2>/dev/null" || fail "testpmd does not end"
	) || exit 1
	rm -rf "$ovs" "$work"/*.in && mkdir -p "$ovs"
done
