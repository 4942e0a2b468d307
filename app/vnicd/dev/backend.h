/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user back end for one vnicd_nic: socket (client or server), messages,
 * kick and call descriptors. Never blocks: a message is read as it comes, and
 * a front end that sends half of one holds up nobody.
 */
#ifndef VNICD_BACKEND_H
#define VNICD_BACKEND_H

#include <stdbool.h>
#include <stdint.h>

#include "app/vnicd/dev/nic.h"

struct vnicd_backend;

/* What the loop has to do for the back end. */
struct vnicd_backend_ops {
	/* Watch, or no longer watch, a descriptor; when readable call
	 * vnicd_backend_event(b, fd). */
	int (*watch)(void *arg, struct vnicd_backend *b, int fd);
	void (*unwatch)(void *arg, struct vnicd_backend *b, int fd);
	/* Rings started, stopped, enabled; connected; gone. */
	void (*changed)(void *arg, struct vnicd_backend *b);
	/* A ring of any kind has stopped for what the driver wrote (ring.error): once, by the timer that
	 * follows. NULL: not told. */
	void (*broke)(void *arg, struct vnicd_backend *b, uint16_t vq);
	/* SEND_RARP: tell the network that mac is here now. NULL: not offered. */
	void (*rarp)(void *arg, struct vnicd_backend *b, const uint8_t mac[6]);
};

/*
 * Serve nic, which is initialised and stays the caller's; nic->call and nic->owner are the back end's
 * until close. watch and unwatch must not be NULL.
 * server: listen on path, one front end at a time; else connect, again and
 * again every retry_ms. Errors: -EADDRINUSE (a live socket, or no socket at all), others. */
int vnicd_backend_open(struct vnicd_backend **out, struct vnicd_nic *nic, const char *path, bool server,
		       uint32_t retry_ms, const struct vnicd_backend_ops *ops, void *arg);
void vnicd_backend_close(struct vnicd_backend *b);
/* The descriptor became readable. */
void vnicd_backend_event(struct vnicd_backend *b, int fd);
/* Retries, broken rings, memory cut short: to be called after each round of work, too.
 * Returns milliseconds until it wants to be called again, -1: never. */
int vnicd_backend_timer(struct vnicd_backend *b, uint64_t now_ms);
bool vnicd_backend_connected(const struct vnicd_backend *b);
/* A ring without a kick descriptor is running: the loop must not sleep long. */
bool vnicd_backend_must_poll(const struct vnicd_backend *b);
/* Cut the connection (fault injection); a server listens on. */
void vnicd_backend_disconnect(struct vnicd_backend *b);
/* Configuration changed: CONFIG_CHANGE_MSG where negotiated. */
void vnicd_backend_config_changed(struct vnicd_backend *b);

/* What it does wrong on purpose. Counted ones are for the next so many messages, 0: for all. */
enum vnicd_backend_fault {
	VNICD_BACKEND_RESET_REFUSE,  /* GET_VRING_BASE (counted): a reply of no octets, the ring runs on */
	VNICD_BACKEND_RESET_LATE,    /* the ring is stopped, and the reply sent, so many milliseconds later; 0: never */
	VNICD_BACKEND_ENABLE_IGNORE, /* SET_VRING_ENABLE (counted): said to be done, and not done */
	VNICD_BACKEND_FAULT_KINDS
};
/* -EINVAL: kind or value. */
int vnicd_backend_fault(struct vnicd_backend *b, enum vnicd_backend_fault kind, uint64_t value);
/* None of it any more; a reply that is late comes in its time. */
void vnicd_backend_behave(struct vnicd_backend *b);

struct vnicd_backend_stats {
	uint64_t connects, disconnects, messages, refused; /* refused: malformed or out of order */
	char last_refusal[96];
	uint64_t faults[VNICD_BACKEND_FAULT_KINDS]; /* how often each was done */
};
void vnicd_backend_stats(const struct vnicd_backend *b, struct vnicd_backend_stats *out);

#endif
