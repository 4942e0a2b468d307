#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Open vSwitch with DPDK as the switch between two ports of our driver, in stock
# dpdk-testpmd: it connects to our sockets (dpdkvhostuserclient), learns, forwards.
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
	/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk "$db" --log-file="$ovs/vs.log" -vconsole:off 2>/dev/null &
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
packets() { # PORT NAME DIRECTION: the last figure it printed
	tell "$1" "show port stats 0"
	sleep 0.3
	awk -v k="$3-packets:" '{ for (i = 1; i < NF; i++) if ($i == k) n = $(i + 1) } END { print n + 0 }' "$work/$2.log"
}
received() { [ "$(packets 1 sink RX)" -ge "$1" ]; }

huge_pages 600 128
for mode in "1 0" "2 1"; do
	read -r queues packed <<<"$mode"
	(
		_exit_commands=()
		trap _run_exit EXIT # what is started here ends here
		start_ovs
		start_testpmd sink 1 rxonly
		start_testpmd source 0 txonly --eth-peer=0,02:00:00:00:00:01
		_pages_taken
		tell 1 start
		tell 0 start
		wait_for 30 received 10000 || fail "$queues queue(s), packed=$packed: too few packets through Open vSwitch"
		tell 0 stop
		sent=$(packets 0 source TX) got=$(packets 1 sink RX)
		say "$queues queue(s), packed=$packed: $sent sent, $got received through Open vSwitch"
		for p in 0 1; do tell $p quit; done
		wait_for 20 eval "! kill -0 ${pid[0]} 2>/dev/null && ! kill -0 ${pid[1]} 2>/dev/null" || fail "testpmd does not end"
	) || exit 1
	rm -rf "$ovs" "$work"/*.in && mkdir -p "$ovs"
done
