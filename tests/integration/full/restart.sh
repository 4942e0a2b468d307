#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Begun and ended again and again, at every moment of its start and under load.
. "$(dirname "$0")/../_lib.sh"

huge_pages 200 400
_pages_taken
make_config '{"shutdown": {"grace_ms": 200}}'
new_namespace
for ((i = 0; i < 40; i++)); do
	smcgate_prefix=smcg-$$-early-$i
	# shellcheck disable=SC2086
	ip netns exec "$ns" "$smcgate" $eal_memory --no-pci --file-prefix="$smcgate_prefix" --lcores '0@0,1@1' -- \
		-c "$work/config.json" >"$work/log" 2>&1 &
	smcgate_pid=$!
	sleep "$(printf '0.%02d' $((i * 2)))"
	status=0
	kill -TERM $smcgate_pid
	wait_for 60 gone $smcgate_pid || fail "does not end, $((i * 20)) ms after its start"
	wait $smcgate_pid || status=$?
	# Before its handlers are set the signal itself ends it, and nothing is there yet.
	[ $status = 0 ] || [ $status = 143 ] || fail "status $status, $((i * 20)) ms after its start: $(tail -3 "$work/log")"
	nothing_left
done
for ((i = 0; i < 10; i++)); do
	start_gate '{"shutdown": {"grace_ms": 100}}'
	ip netns exec "$ns" wrk -t1 -c64 -d2s http://$gate/ >/dev/null 2>&1 &
	wrk_pid=$!
	sleep 0.5
	end_gate
	wait $wrk_pid || true
done
