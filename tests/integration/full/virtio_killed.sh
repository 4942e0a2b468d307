#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The back end of our driver is killed (kill -9) 100 times at random instants, while it starts,
# shakes hands or moves packets. The port survives every one of them: in the end packets
# move both ways on it, and no buffer is missing.
. "$(dirname "$0")/../_lib.sh"
. "$(dirname "$0")/../_testpmd.sh"

[ -f "$plugin" ] || fail "no $plugin"
huge_pages 160 128
sock=$work/sock
kills=${KILLS:-100}

# One that is not waited for: it runs by itself.
victim() { # BACK-ARGUMENTS
	# shellcheck disable=SC2086
	stdbuf -oL dpdk-testpmd $eal_memory --lcores 0@0,1@0 --no-pci --no-telemetry --file-prefix="smcg-$$-victim" \
		"--vdev=net_vhost0,iface=$sock$1" -- --total-num-mbufs=8192 --forward-mode="$2" --stats-period=60 \
		</dev/null >"$work/victim.log" 2>&1 &
	victim_pid=$!
}
kill_victim() { # the random instant: from its start to a second after the handshake
	local i
	for ((i = RANDOM % 40; i > 0; i--)); do sleep 0.05; done
	kill -KILL "$victim_pid"
	wait "$victim_pid" 2>/dev/null || true
	rm -rf "/run/dpdk/smcg-$$-victim"
	grep -q 'ready for processing' "$work/victim.log" && ready=$((ready + 1))
	return 0
}
link_is() { tell front "show port info 0" | grep -q "Link status: $1"; }
free_buffers() {
	tell front "dump_mempool mb_pool_0" |
		awk -F= '/common_pool_count|cache_count\[/ { n += $2 } END { print n }'
}

ready=0
pmd_start back 0@0,1@0 "--vdev=net_vhost0,iface=$sock" "" || fail "no back end"
pmd_start front 0@1,1@1 "-d $plugin --log-level=pmd.net.vnic:info --vdev=net_vnic0,path=$sock" "" ||
	fail "the port does not start"
pmd_end back
rm -f "$sock"
for ((k = 1; k <= kills; k++)); do
	# Sending and receiving by turns.
	if ((k % 2)); then
		say_to front stop "set fwd txonly" start
		victim "" rxonly
	else
		say_to front stop "set fwd rxonly" start
		victim "" txonly
	fi
	kill_victim
	rm -f "$sock"
done
note "$kills back ends killed, $ready of them with the device ready"
check "link down" wait_for 15 link_is down
pmd_start back 0@0,1@0 "--vdev=net_vhost0,iface=$sock" "" || fail "no back end"
check "link up" wait_for 20 link_is up
say_to back stop "set fwd rxonly" start
say_to front stop "set fwd txonly" start
check "sent" grows_by 3000 packets back RX
say_to front stop "set fwd rxonly" start
say_to back stop "set fwd txonly" start
check "received" grows_by 3000 packets front RX
equal "faults" "$(tell front "show port xstats 0" | grep -E '^vnic_(fault_|broken)' | grep -v ': 0$' || true)" ""
equal "losses and returns" "$(xstat front vnic_lost)" "$(xstat front vnic_returned)"
say_to front stop "port stop 0"
equal "buffers in the pool" "$(free_buffers)" 8192
equal "octets out of use" "$(xstat front vnic_quarantined_bytes)" 0
pmd_end front
pmd_end back
