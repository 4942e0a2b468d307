/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that wait for a device, which may hang: they run on a thread of their own,
 * without any lock of ours, and the caller waits for it only so long. Each port has a slot for
 * them, the services another: who wants to call claims it first, and holds it for all that
 * belongs to one operation. Any thread but a worker.
 *
 *	rc = device_claim(pl, &p->slot, CLAIM_CHANGE, "port 0 mtu");
 *	if (rc < 0)
 *		return rc;
 *	rc = device_call(pl, &p->slot, fn, &arg, sizeof(arg));
 *	device_release(pl, &p->slot);
 */
#ifndef PIPELINE_DEVICE_H
#define PIPELINE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device_job;
struct pipeline;
struct port;

enum device_claim {
	CLAIM_LOOK,   /* asks the device; waits for another look, not for a change */
	CLAIM_CHANGE, /* waits for a look, not for another change */
	CLAIM_END,    /* interrupts what waits for the device, unless that is a CLAIM_END somebody waits for */
};

#define DEVICE_DOING_LEN 64

/* All under the pipeline's lock. */
struct device_slot {
	struct device_job *job;    /* NULL: nothing waits for the device */
	char doing[DEVICE_DOING_LEN]; /* what was claimed for; "": free */
	enum device_claim kind;
	uint64_t since_ms;         /* clock_now_ms() */
	struct port *port;         /* whose driver can be interrupted; NULL: none */
};

/* On a copy of what device_call() was given; may wait as long as it likes. Its calls to
 * workers are not cancelled with anybody's command. */
typedef int (*device_fn)(void *arg);

/* 0, -EAGAIN: taken, see the slot's doing, or -ECANCELED while waiting as enum device_claim says. The
 * pipeline's lock must not be held. */
int device_claim(struct pipeline *pl, struct device_slot *s, enum device_claim kind, const char *what);
/* A call that was left keeps the slot claimed until it has returned. */
void device_release(struct pipeline *pl, struct device_slot *s);
/*
 * Returns what fn returned, with its copy in arg again. -EINPROGRESS after
 * PIPELINE_DEVICE_TIMEOUT_MS and -ECANCELED when the thread's waits are cancelled: fn goes
 * on, on its own copy, in the latter case with the driver's wait interrupted. -ENOMEM. The slot is
 * claimed, the pipeline's lock not held.
 */
int device_call(struct pipeline *pl, struct device_slot *s, device_fn fn, void *arg, size_t len);
/* Interrupts what waits for the device, again and again, and waits up to ms for its end: before
 * the port is stopped or closed. False: it still runs. */
bool device_done(struct pipeline *pl, struct device_slot *s, unsigned ms);

#endif
