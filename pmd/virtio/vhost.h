/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the vhost-user front end (vnic_vhost_ops, transport.h), shared by
 * vhost*.c only. One connection at a time; one request at a time on it.
 *
 * Locks: vnic_dev.lock is held by every transport call. io guards connection
 * and memory table against EAL's memory events, which come on any thread with
 * EAL's memory lock held: so nobody who holds io may allocate from EAL or walk
 * its memory, and the memory event takes io only.
 */
#ifndef VNIC_VHOST_H
#define VNIC_VHOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/vhost_user.h"

#define VNIC_VHOST_RINGS   256 /* indexes of KICK and CALL have 8 bits */
#define VNIC_VHOST_PAIRS   127 /* leaves an index for the control queue */
#define VNIC_VHOST_REGIONS 64  /* with memory slots; 8 without */
#define VNIC_VHOST_FDS     8   /* of one message */

/* Memory to be shared: a file, the part of it, and where it is mapped. */
struct vnic_vhost_region {
	uint64_t addr, len, offset;
	uint64_t inode; /* tells files apart that had the same descriptor one after the other */
	int fd;         /* its owner's */
};
struct vnic_vhost_table {
	unsigned n;
	unsigned files; /* more than fit are counted here */
	struct vnic_vhost_region region[VNIC_VHOST_REGIONS];
};

struct vnic_vhost_ring {
	int kick;  /* new at every set-up: an old back end may still hold the one before */
	int call;  /* the same until close: programs wait for it */
	int err;   /* the back end says there that it stopped the ring; new at every set-up */
	bool live; /* set up, and not stopped since */
	bool kick_due; /* the back end gets kick, which starts the ring, when the ring is enabled */
};

struct vnic_vhost {
	struct vnic_dev *dev;
	pthread_mutex_t io; /* recursive */
	int conn, listener, epoll, backend; /* -1: none; backend: our end of the back end's request channel */
	int pidfd;          /* the peer's process, -1: not known */
	uint64_t features;  /* offered */
	uint64_t protocol;  /* agreed on */
	bool has_protocol;  /* bit 30 */
	uint16_t pairs;
	uint32_t slots;     /* regions the back end takes */
	uint8_t status;     /* as last written */
	struct vnic_vhost_ring ring[VNIC_VHOST_RINGS];

	struct vnic_vhost_table table; /* as told to the back end */
	bool shared, watching, unshareable;
	unsigned generation;           /* of EAL's memory, counted by its events */

	int inflight;                  /* descriptor of GET_INFLIGHT_FD, -1 */
	uint16_t inflight_size;
};

static inline bool vnic_vhost_agreed(const struct vnic_vhost *v, unsigned feature)
{
	return (v->protocol >> feature) & 1;
}

/* ---- vhost_msg.c: one exchange ------------------------------------------------
 * All drop the connection when the back end breaks the protocol or a deadline
 * (-EPROTO, -ETIMEDOUT, -ENODEV); log what failed. */
const char *vnic_vhost_name(uint32_t request);
/* Send; with REPLY_ACK wait for the answer: -EREMOTEIO when it is not 0. */
int vnic_vhost_set(struct vnic_vhost *v, uint32_t request, const void *payload, uint32_t len, const int *fds,
		   unsigned n_fds);
int vnic_vhost_set_u64(struct vnic_vhost *v, uint32_t request, uint64_t value);
/* Requests that are sent together, and their answers read after: one wait for all. Only such as may be carried out
 * after another of them was refused. */
struct vnic_vhost_request {
	uint32_t request;
	uint32_t len;
	int fd;          /* that goes with it, -1: none */
	bool may_refuse; /* a refusal is none */
	union vhost_user_payload p;
};
#define VNIC_VHOST_TOGETHER 8
int vnic_vhost_set_many(struct vnic_vhost *v, const struct vnic_vhost_request *r, unsigned n);
/* Send len octets of *payload, read min..max octets into it. *len: what came.
 * fd: NULL, or where one descriptor goes that the answer has to bring. */
int vnic_vhost_get(struct vnic_vhost *v, uint32_t request, union vhost_user_payload *payload, uint32_t *len,
		   uint32_t min, uint32_t max, int *fd);
int vnic_vhost_get_u64(struct vnic_vhost *v, uint32_t request, uint64_t *value);
/* What the back end asks for by itself. -ENODEV when it is gone. */
int vnic_vhost_backend_event(struct vnic_vhost *v);
/* Close the connection and wake the control thread; harmless twice. */
void vnic_vhost_drop(struct vnic_vhost *v);

/* ---- vhost_sock.c: getting a connection --------------------------------------- */
/* Connect or accept within ms (0: one try), into v->conn. -ETIMEDOUT: nobody there. */
int vnic_vhost_connect(struct vnic_vhost *v, uint32_t ms);
/* Wait for the end of the process at the other end: 0: it has ended; -ETIMEDOUT; -ENOENT: not known. */
int vnic_vhost_wait_gone(struct vnic_dev *dev, unsigned ms);

/* ---- vhost_mem.c: the memory table --------------------------------------------- */
/* Add a piece, merged with what is of the same file. False: its file is mapped in two ways. */
bool vnic_vhost_table_add(struct vnic_vhost_table *t, int fd, uint64_t addr, uint64_t len, uint64_t offset);
/* -ENOSPC, with a log line that names the cure, when there are more regions than the back end takes. */
int vnic_vhost_share_memory(struct vnic_dev *dev);
void vnic_vhost_unwatch(struct vnic_vhost *v);
bool vnic_vhost_table_has(const struct vnic_vhost_table *t, uint64_t addr, uint64_t len);

/* ---- vhost_ring.c: rings ---------------------------------------------------------- */
int vnic_vhost_queue_setup(struct vnic_dev *dev, struct vnic_vq *vq);
int vnic_vhost_queue_enable(struct vnic_dev *dev, struct vnic_vq *vq, bool on);
int vnic_vhost_queue_pause(struct vnic_dev *dev, struct vnic_vq *vq);
int vnic_vhost_queue_reset(struct vnic_dev *dev, struct vnic_vq *vq);
int vnic_vhost_queue_fd(struct vnic_dev *dev, uint16_t index);
/* GET_VRING_BASE for every live ring. */
int vnic_vhost_rings_stop(struct vnic_vhost *v);
/* One doorbell each: the device looks at what was there before it ran. */
void vnic_vhost_rings_kick(struct vnic_vhost *v);
/* Into dev->ring_errors: what back ends have said of rings that they stopped. */
void vnic_vhost_rings_errors(struct vnic_vhost *v);
/* The connection they were set up on is gone. */
void vnic_vhost_rings_forget(struct vnic_vhost *v);
void vnic_vhost_rings_close(struct vnic_vhost *v);

#endif
