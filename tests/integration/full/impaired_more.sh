#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Links from good to hopeless, by a relay: transfers both ways end, whole.
. "$(dirname "$0")/../_lib.sh"

gate_no_address=1
for link in "--loss 0.001" "--loss 0.01" "--reorder 0.3" "--loss 0.1 --reorder 0.1" "--loss 0.2"; do
	for congestion in cubic newreno; do
		start_gate "{\"tcp\": {\"congestion\": \"$congestion\"}}"
		seed=$RANDOM
		# shellcheck disable=SC2086
		start_relay $link --seed $seed
		for transfer in "echo 2 - $gate:7" "down 2 $kernel:8081 $gate:8080" "up 2 $kernel:8081 $gate:8080"; do
			begin=$SECONDS
			# shellcheck disable=SC2086
			check "$congestion, $link, seed $seed: $transfer" in_ns timeout 200 python3 "$here/_bulk.py" $transfer
			say "$congestion, $link, seed $seed: $transfer: $((SECONDS - begin)) s"
		done
		end_pid "$relay_pid"
		tail -1 "$work/relay"
		idle_seconds=200 finish '.*'
	done
done
