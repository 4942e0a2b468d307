/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that wait for a port's device, which may hang: they run on a thread of their own,
 * without any lock of ours, and the caller waits for it only so long. One at a time
 * on each port. Any thread but a worker.
 */
#ifndef PIPELINE_DEVICE_H
#define PIPELINE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

struct pipeline;
struct port;

/* On a copy of what device_call() was given; may wait as long as it likes. Its calls to
 * workers are not cancelled with anybody's command. */
typedef int (*device_fn)(void *arg);

/*
 * Returns what fn returned, with its copy in arg again. -EINPROGRESS after
 * PIPELINE_DEVICE_TIMEOUT_MS and -ECANCELED when the pipeline's waits are cancelled: fn goes
 * on, on its own copy, in the latter case with the driver's wait interrupted. -EAGAIN: an
 * earlier one that was left so is not done yet. -ENOMEM. The pipeline's lock must not be held.
 */
int device_call(struct pipeline *pl, struct port *p, device_fn fn, void *arg, size_t len);
/* Interrupts what waits for the device, again and again, and waits up to ms for its end: before
 * the port is stopped or closed. False: it still runs. */
bool device_done(struct pipeline *pl, struct port *p, unsigned ms);

#endif
