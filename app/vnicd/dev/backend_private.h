/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside of the vhost-user back end: the connection (backend.c), one message
 * (backend_msg.c), what requests do (backend_req.c, backend_ring.c).
 */
#ifndef VNICD_BACKEND_PRIVATE_H
#define VNICD_BACKEND_PRIVATE_H

#include <stddef.h>

#include "app/vnicd/dev/backend.h"

#define BACKEND_VQS (2 * VNICD_PAIRS_MAX + 1)

/* Of a handler: the reply comes later. */
#define BACKEND_NO_REPLY 1

#define BACKEND_PROTOCOL_BIT(f) (UINT64_C(1) << VHOST_USER_PROTOCOL_F_##f)

/* A message as far as it has come. */
struct backend_msg {
	struct vhost_user_header h;
	union vhost_user_payload p;
	size_t got;          /* of both */
	int fd[VHOST_USER_MAX_REGIONS];
	unsigned n_fds;
	uint32_t reply_size; /* of p, as the handler left it */
	int reply_fd;        /* to go with it, closed then; -1: none */
};

/* What the front end said of a ring. */
struct backend_vring {
	uint32_t num, base;
	struct vhost_user_vring_addr addr;
	bool has_num, has_addr;
	bool started;        /* KICK came and GET_VRING_BASE not; nic's ring may have stopped for an error since */
	bool error_told;
	bool no_kick;        /* started without a descriptor */
	bool recover;        /* goes on from what SET_INFLIGHT_FD brought, if it is started now */
	bool stop_due;       /* a late GET_VRING_BASE, at stop_at (milliseconds); 0: not known yet */
	uint64_t stop_at;
	int kick, call, err; /* -1: none */
};

struct vnicd_backend {
	struct vnicd_nic *nic;
	const struct vnicd_backend_ops *ops;
	void *arg;
	char path[108];
	bool server, bound;
	uint32_t retry_ms;
	uint64_t retry_at, now; /* milliseconds, as the last call of the timer had it */
	int listener, conn, channel; /* channel: for our requests; -1: none */
	unsigned epoch;      /* counts connections: a handler may cut one */
	struct backend_msg msg;
	uint64_t protocol;   /* agreed on */
	uint64_t features;   /* as the front end set them */
	bool stuck;          /* a descriptor of the front end's made us wait */
	bool has_features, enabled_at_start;
	unsigned no_kick;    /* rings started without a descriptor */
	struct backend_vring vring[BACKEND_VQS];
	struct {
		uint64_t left[VNICD_BACKEND_FAULT_KINDS]; /* messages; UINT64_MAX: all */
		uint64_t late_ms;                         /* UINT64_MAX: never */
	} wrong;
	unsigned n_late;     /* rings with stop_due */
	struct {
		struct vnicd_mapping map;
		uint16_t queues, size; /* regions, each for so many descriptors; 0: there are none */
		bool packed;
	} inflight;
	struct vnicd_backend_stats stats;
};

static inline bool backend_agreed(const struct vnicd_backend *b, unsigned feature)
{
	return (b->protocol >> feature) & 1;
}

/* ---- backend.c --------------------------------------------------------------- */
/* Is this fault to be done now? Counts. */
bool backend_wrong(struct vnicd_backend *b, enum vnicd_backend_fault kind);
/* Count and note why; returns -EPROTO. */
int backend_refuse(struct vnicd_backend *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void backend_changed(struct vnicd_backend *b);
/* Take a descriptor off the loop and close it; *fd becomes -1. */
void backend_close_watched(struct vnicd_backend *b, int *fd);

/* ---- backend_msg.c ------------------------------------------------------------ */
/* Read and serve what came; a connection that broke the rules is cut. */
void backend_msg_receive(struct vnicd_backend *b);
/* Forget what has come of a message. */
void backend_msg_clear(struct backend_msg *m);
/* A request of ours on the channel; lost when the front end does not read. */
void backend_msg_notify(struct vnicd_backend *b, uint32_t request);

/* ---- backend_req.c -------------------------------------------------------------- */
/* One whole message, its reply sent. -EPROTO: cut the connection. */
int backend_serve(struct vnicd_backend *b, struct backend_msg *m);
const char *backend_request_name(uint32_t request);
/* Reply with what is in m->p. */
int backend_reply(struct vnicd_backend *b, struct backend_msg *m, uint32_t size);

/* ---- backend_ring.c: 0, or refused --------------------------------------------- */
int backend_vring_num(struct vnicd_backend *b, struct backend_msg *m);
int backend_vring_addr(struct vnicd_backend *b, struct backend_msg *m);
int backend_vring_set_base(struct vnicd_backend *b, struct backend_msg *m);
int backend_vring_get_base(struct vnicd_backend *b, struct backend_msg *m);
int backend_vring_kick(struct vnicd_backend *b, struct backend_msg *m);
int backend_vring_call(struct vnicd_backend *b, struct backend_msg *m);
int backend_vring_err(struct vnicd_backend *b, struct backend_msg *m);
int backend_vring_enable(struct vnicd_backend *b, struct backend_msg *m);
bool backend_vring_running(const struct vnicd_backend *b);
/* The memory table changed: rings go on where they are now, or stop. */
void backend_vring_remap(struct vnicd_backend *b);
/* Device reset (for good), or the connection is lost: rings stopped and disabled; their descriptors stay. */
void backend_vring_stop_all(struct vnicd_backend *b, bool for_good);
void backend_vring_init(struct vnicd_backend *b);
/* Connection gone: descriptors closed, everything forgotten. */
void backend_vring_forget(struct vnicd_backend *b);
/* A kick descriptor became readable; false: it is none of ours. */
bool backend_vring_kicked(struct vnicd_backend *b, int fd);
/* Tell the front end of rings that stopped for an error. */
void backend_vring_errors(struct vnicd_backend *b);
/* Late stops whose time has come; milliseconds to the next one, -1: there is none. */
int backend_vring_late(struct vnicd_backend *b, uint64_t now_ms);
/* Interrupt (nic->call). */
void backend_vring_interrupt(struct vnicd_nic *nic, uint16_t vq);

/* ---- backend_inflight.c ---------------------------------------------------------- */
int backend_get_inflight(struct vnicd_backend *b, struct backend_msg *m);
int backend_set_inflight(struct vnicd_backend *b, struct backend_msg *m);
/* The part of a ring that starts. -EINVAL: it does not fit. */
int backend_inflight_conf(struct vnicd_backend *b, uint32_t index, struct vnicd_ring_conf *conf);
void backend_inflight_forget(struct vnicd_backend *b);

#endif
