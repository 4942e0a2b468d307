#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# smcgate's driver, as a plugin in testpmd, on two vnicd ports. One of them takes its time with control commands,
# refuses and forgets them: it shows in vnicd's telemetry and in the driver's counters, and the other port
# carries packets all the while.
. "$(dirname "$0")/_vnicd.sh"

plugin=$build/pmd/virtio/librte_net_vnic.so
[ -e "$plugin" ] || skip "no plugin (pmd/virtio was not built)"
new_namespace
in_ns sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1

xstat() { # NAME [PORT]
	telemetry "${pmd_prefix[p]}" "/ethdev/xstats,${2:-0}" | python3 -c '
import json, sys
print(json.load(sys.stdin)["/ethdev/xstats"][sys.argv[1]])' "$1"
}
xstat_is() { [ "$(xstat "$1" "${3:-0}")" = "$2" ]; }
pings() { # ADDRESS COUNT: all of them are answered
	in_ns timeout 60 ping -q -c "$2" -i 0.01 -W 5 "$1" >"$work/ping.$1" 2>&1 && grep -q " $2 received" "$work/ping.$1"
}
control() { # KEY VALUE...
	local said
	said=$(ask "/vnicd/port/control,p,$(IFS=,; echo "$*")" 'd.get("error", "set")')
	equal "control $*" "$said" set
}
# Milliseconds that a command takes: testpmd answers the next one after it.
took() { # COMMAND
	local from=$EPOCHREALTIME mark="mark$RANDOM"
	pmd p "$1"
	pmd p "$mark"
	wait_for 20 grep -q "$mark" "${pmd_log[p]}" || fail "testpmd hangs at $1"
	echo $(((${EPOCHREALTIME/./} - ${from/./}) / 1000))
}

vnicd_with '{"ports": [
	{"name": "p", "path": "$work/p.sock", "mac": "02:00:00:00:00:01", "control": {"latency_us": 1000, "concurrency": 4}},
	{"name": "good", "path": "$work/good.sock", "mac": "02:00:00:00:00:02"}],
	"uplinks": [{"name": "u", "tap": "vtap0"}]}'
ip -n "$ns" addr add 10.5.0.1/24 dev vtap0
for i in 1 2; do ip -n "$ns" neigh add 10.5.0.1$i lladdr 02:00:00:00:00:0$i dev vtap0; done
# No statistics but those that xstat() asks for: commands are counted here.
testpmd_driver=(-d "$plugin" --log-level=pmd.net.vnic:info --vdev="net_vnic0,path=$work/p.sock,ctrl_timeout_ms=1500,stats_ms=0")
testpmd_vdev=net_vnic1
start_testpmd p "path=$work/good.sock,ctrl_timeout_ms=1000,ctrl_broken=go_on,stats_ms=0" --forward-mode=icmpecho
pmd p start
pmd_says p "icmpecho packet forwarding"
port_ready p
port_ready good
check "pings of both" wait_for 10 pings 10.5.0.11 5
check "pings of both" wait_for 10 pings 10.5.0.12 5
at_least "commands so far" "$(port p 'd["control"]["answered"]')" 1
equal "configured" "$(port p 'd["control"]["concurrency"]')" 4

# ---- time ----------------------------------------------------------------------------
control latency_us 400000 concurrency 1
at_least "a command of 400 ms" "$(took 'set promisc 0 off')" 380
fault p,ctrl_late,300000
at_least "a command that is late" "$(took 'set promisc 0 on')" 680
fault p,ctrl_late,0
equal "no such key" "$(ask /vnicd/port/control,p,speed,1 '"error" in d')" True
equal "no such value" "$(ask /vnicd/port/control,p,concurrency,0 '"error" in d')" True
equal "a port without" "$(ask /vnicd/port/control,u 'd["error"]')" 'there is no vhost-user port "u"'
control latency_us 0

# ---- answers --------------------------------------------------------------------------
failed=$(xstat ctrl_failed)
fault p,ctrl_fail,1
took 'set promisc 0 off' >/dev/null
equal "refused, as the driver counts" "$(xstat ctrl_failed)" $((failed + 1))
fault p,ctrl_ack,1
took 'set promisc 0 off' >/dev/null
equal "neither yes nor no" "$(xstat ctrl_failed)" $((failed + 2))
took 'set promisc 0 off' >/dev/null
equal "then as ever" "$(xstat ctrl_failed)" $((failed + 2))
equal "done, as vnicd counts" "$(port p '[d["faults_done"][k] for k in ("ctrl_fail", "ctrl_ack")]')" "[1, 1]"
# A wrong length of the used entry is no reason to doubt the acknowledgement.
fault p,lie_len_zero,1,2
took 'set promisc 0 on' >/dev/null
! gone "${pmd_pid[p]}" || fail "testpmd died of a wrong length: $(tail -5 "${pmd_log[p]}")"

# ---- a queue that is not given back in time -----------------------------------------------
pmd p stop # testpmd stops no queue before
fault p,reset_late,400
at_least "a reset that is late" "$(took 'port 0 rxq 0 stop')" 380
equal "late resets" "$(port p 'd["faults_done"]["reset_late"]')" 1
fault p,clear
took 'port 0 rxq 0 start' >/dev/null
fault p,reset_refuse,1
took 'port 0 rxq 0 stop' >/dev/null
equal "resets refused" "$(port p 'd["faults_done"]["reset_refuse"]')" 1
equal "a queue that was refused its reset" "$(port p 'd["connected"] and d["queues"]["0"]["running"]')" 1
pmd p start
check "pings after a late reset" wait_for 10 pings 10.5.0.11 3

# ---- one that hangs -------------------------------------------------------------------------
equal "timed out before" "$(xstat ctrl_timed_out)" 0
fault p,ctrl_never,0
pings 10.5.0.12 300 & # three seconds of it
others=$!
at_least "a command without an answer" "$(took 'set allmulti 0 on')" 1400
check "the driver gives up" wait_for 5 xstat_is ctrl_timed_out 1
equal "forgotten" "$(port p 'd["faults_done"]["ctrl_never"]')" 1
wait "$others" || fail "the other port lost packets: $(cat "$work/ping.10.5.0.12")"
fault p,clear
pmd p stop
pmd p port stop 0
pmd p port reset 0 # a broken device is mended by a reset only
pmd p port start 0
pmd p start
wait_for 15 port_is p 'd["up"]' 1 || fail "the port does not come back: $(tail -40 "${pmd_log[p]}")"
port_ready p
check "pings of the one that hung" wait_for 15 pings 10.5.0.11 3
check "pings of the other" wait_for 5 pings 10.5.0.12 3

# ---- one that hangs, and is to go on: packets do not notice ------------------------------------
fault good,ctrl_never,0
pings 10.5.0.12 250 & # over the deadline, and on
others=$!
at_least "a command without an answer" "$(took 'set allmulti 1 on')" 900
check "the driver gives up its control queue" wait_for 5 xstat_is ctrl_timed_out 1 1
wait "$others" || fail "packets did not go on: $(cat "$work/ping.10.5.0.12")"
# Fails at once, and is not even submitted; once at least, as testpmd may have had to wait for a CPU.
for try in 1 2 3 4 5; do
	ms=$(took 'set allmulti 1 off')
	[ "$ms" -ge 900 ] || break
done
[ "$ms" -lt 900 ] || fail "a command waits for a control queue that is broken"
equal "forgotten, one command" "$(port good 'd["faults_done"]["ctrl_never"]')" 1
equal "link of the port that goes on" "$(telemetry "${pmd_prefix[p]}" /ethdev/link_status,1 | grep -o '"UP"')" '"UP"'
check "pings behind the deadline" pings 10.5.0.12 20
fault good,clear
pmd p stop
pmd p port stop 1
pmd p port start 1 # a start resets the device
pmd p start
check "pings after the reset" wait_for 15 pings 10.5.0.12 3
took 'set allmulti 1 on' >/dev/null
equal "no command failed after the reset" "$(xstat ctrl_timed_out 1)" 1
end_testpmd p
finish
