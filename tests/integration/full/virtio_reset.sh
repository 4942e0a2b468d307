#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# 10,000 resets of queues under load between two processes: ../virtio_reset.sh for longer.
STORM_RESETS=2500 exec "$(dirname "$0")/../virtio_reset.sh"
