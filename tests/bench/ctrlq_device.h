/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device whose control queue takes its time, on a thread of its own: vnicd's device with an answer
 * due a latency after the command began, at most D commands at work. Times are computed, not waited
 * for: a command that has been waiting begins when the one before it was due, however late this
 * thread was woken. Nobody spins.
 */
#ifndef TESTS_BENCH_CTRLQ_DEVICE_H
#define TESTS_BENCH_CTRLQ_DEVICE_H

#include "tests/unit/virtio/port_lab.h"

struct ctrlq_device;

/* For a port that runs; ends before the port is closed. Exits the program when it cannot. */
struct ctrlq_device *ctrlq_device_start(struct port_lab *l);
void ctrlq_device_end(struct ctrlq_device *d);
/* While no command is in flight. */
void ctrlq_device_set(struct ctrlq_device *d, unsigned latency_us, unsigned at_work);

uint64_t ctrlq_now_ns(void);

#endif
