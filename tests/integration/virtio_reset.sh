#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Queues of two of our ports reset and resized under load, with vnicd between them: packets are
# numbered, none comes twice, and what is missing is what a reset took from the device
# (counted by the driver) or had no buffer for (counted by vnicd), queue by queue.
. "$(dirname "$0")/_vnicd.sh"

new_namespace
storm=$build/tests/storm/vnic_storm
[ -x "$storm" ] || fail "no $storm"
per_case=${STORM_RESETS:-250}

features() { python3 -c 'import json,sys; print(json.dumps({k: False for k in sys.argv[1:]}))' "$@"; }
# storm NAME QUEUES RESETS WHICH FEATURES-OFF...: leaves its output in $work/out
storm() {
	local name=$1 queues=$2 resets=$3 which=$4 off; shift 4
	off=$(features "$@")
	vnicd_with '{"ports": [
		{"name": "a", "path": "$work/a.sock", "mode": "server", "queues": '"$queues"', "features": '"$off"'},
		{"name": "b", "path": "$work/b.sock", "mode": "server", "queues": '"$queues"', "features": '"$off"'}]}'
	timeout 100 ip netns exec "$ns" "$storm" --no-huge -m 128 --no-pci --no-telemetry --file-prefix="storm-$$" --lcores 0@1 \
		--vdev="net_vnic0,path=$work/a.sock,stats_ms=100" --vdev="net_vnic1,path=$work/b.sock,stats_ms=100" -- reset "$queues" "$resets" "$which" \
		>"$work/out" 2>"$work/err" || fail "$name: status $?: $(tail -3 "$work/err"; cat "$work/out")"
	note "$name: $(grep ^resets "$work/out")"
	# Packets that vnicd took and had no place for, by its own count.
	drops=$(port a 'sum(d["drops"].values()) + sum(v for k, v in d["device_drops"].items())')
	drops=$((drops + $(port b 'sum(d["drops"].values()) + sum(v for k, v in d["device_drops"].items())')))
	finish
	[ "${STORM_SHOW:-}" = "" ] || { cat "$work/out"; echo "drops $drops"; }
	python3 - "$name" "$resets" "$drops" "$work/out" <<-'PY' || fail "$name: drops $drops $(cat "$work/out")"
	import sys
	name, resets, drops, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), open(sys.argv[4]).read()
	rows = [dict(zip(w[::2], map(int, w[1::2]))) for w in (l.split() for l in out.splitlines()) if w[0] == "port"]
	# Each flow comes to one receive queue. What of it is missing was lost by resets of the queue it is sent
	# on, or dropped for the queue it comes to: for want of a ring while that was reset, or of a buffer.
	assert all(r["at"] and r["at"] & (r["at"] - 1) == 0 for r in rows), "a flow came to several queues"
	without = 0
	for mine in rows:
	    flows = [r for r in rows if r["port"] != mine["port"] and r["at"] == 1 << mine["queue"]]
	    missing = sum(r["sent"] - r["got"] - r["tx_lost"] for r in flows) - mine["rx_lost"]
	    assert missing == mine["dropped"], f"port {mine['port']} queue {mine['queue']}: {missing} missing, {mine['dropped']} dropped"
	    without += mine["dropped"] - mine["overruns"]
	assert drops == sum(r["dropped"] for r in rows), "drops of no queue"
	print(f"{name}: {without} came to a queue without a ring")
	total = {k: sum(r[k] for r in rows) for k in rows[0]}
	missing = total["sent"] - total["got"]
	print(f"{name}: {total['sent']} packets, {missing} missing: {total['tx_lost']} by resets, {drops} without a place")
	assert total["twice"] == 0 and total["wild"] == 0, "twice"
	assert missing == total["tx_lost"] + total["rx_lost"] + drops, "lost without a count"
	assert all(r["got"] > 20 * resets / len(rows) for r in rows), "no load"
	assert "buffers missing 0" in out
	PY
}

storm "packed, in order" 2 "$per_case" both
storm "packed" 2 "$per_case" both in_order
storm "split" 2 "$per_case" both packed in_order
storm "transmit only" 4 "$per_case" tx
