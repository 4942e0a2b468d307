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
		# Where a fifth is lost both sides wait for doubled time-outs most of the time, minutes in all.
		mb=2
		[ "$link" != "--loss 0.2" ] || mb=1
		for transfer in "echo $mb - $gate:7" "down $mb $kernel:8081 $gate:8080" "up $mb $kernel:8081 $gate:8080"; do
			begin=$SECONDS
			# shellcheck disable=SC2086
			check "$congestion, $link, seed $seed: $transfer" in_ns timeout 600 python3 "$here/_bulk.py" $transfer
			say "$congestion, $link, seed $seed: $transfer: $((SECONDS - begin)) s"
		done
		end_pid "$relay_pid"
		tail -1 "$work/relay"
		idle_seconds=200 finish '.*'
	done
done
