/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the providers in this directory have in common: the device with its
 * requests, events and completion queue, protection domains, queue pairs with
 * their two rings of work requests, flushing. A provider adds what moves the
 * work (struct core_ops), in structures that begin with these.
 *
 * Work requests live in a ring from posting until the completion at or behind
 * them was polled, so the completion queue never needs more room than the
 * rings of all queue pairs together.
 */
#ifndef RDMA_CORE_H
#define RDMA_CORE_H

#include <sys/queue.h>

#include <rte_branch_prediction.h>

#include "pmd/base/pool.h"
#include "pmd/rdma/mr.h"
#include "pmd/rdma/rd.h"

#define CORE_LEN_MAX (1U << 31)  /* of a message */

struct core_dev;
struct core_qp;

struct core_pd {
	struct rd_pd rd;
	uint32_t users;          /* regions and queue pairs */
};

/* A send work request. */
struct wqe {
	uint64_t cookie;
	uint64_t raddr;
	uint32_t rkey;
	uint32_t len;            /* of the message */
	uint32_t first_psn;      /* roce */
	uint32_t n_pkts;
	uint8_t op, flags, n_sge;
	uint32_t mrs_ended;      /* mr_table.ended when it was checked */
	union {
		struct rd_sge sge[RD_MAX_SGE];
		uint8_t inl[RD_INLINE_MAX];
	};
};

/* A receive work request. */
struct rqe {
	uint64_t cookie;
	uint32_t len;            /* room */
	uint32_t mrs_ended;      /* as in wqe */
	uint8_t n_sge;
	struct rd_sge sge[RD_MAX_RECV_SGE];
};

/* Ring positions count up for ever; the ring index is position & mask. */
struct core_qp {
	struct rd_qp rd;         /* qpn 0: free */
	struct core_pd *pd;
	struct wqe *sq;
	uint32_t sq_mask;
	uint32_t sq_tail;        /* next to be posted */
	uint32_t sq_done;        /* oldest not completed */
	uint32_t sq_free;        /* oldest whose slot is taken */
	struct rqe *rq;
	uint32_t rq_mask, rq_tail, rq_done, rq_free;
	uint16_t send_wr, recv_wr;
	uint8_t access;
	bool fatal;              /* on the list of events */
	struct rd_qp_attr attr;  /* from RTR on */
	uint32_t gen;            /* outlives the queue pair, as does what follows */
	uint64_t freed_us;
	STAILQ_ENTRY(core_qp) link; /* of free ones; of events */
	LIST_ENTRY(core_qp) all;
};

struct cqe {
	struct rd_wc wc;
	struct core_qp *qp;
	uint32_t upto;           /* slots before this ring position come free */
};

struct cq {
	struct cqe *ring;
	uint32_t mask, head, tail;
	uint32_t reserved;       /* slots of all rings */
	uint32_t limit;          /* of reserved; 0: none */
};

/* Numbers: base + (generation << bits | index). */
struct qp_table {
	struct pool pool;        /* of the provider's queue pairs, which begin with core_qp; never given back */
	uint32_t base, mask;
	uint8_t bits;
	uint32_t gen_mask, gen_first; /* generations are gen_first..gen_mask */
	uint32_t used;
	uint32_t depth_max;      /* of one ring */
	STAILQ_HEAD(, core_qp) freed;
	LIST_HEAD(, core_qp) all;
};

struct core_ops {
	/* A request of this kind is to be carried out: 0, or the error it ends with. May be NULL. */
	int (*admit)(struct core_dev *dev, uint8_t op);
	/* The queue pair enters the state, qp->attr holds: 0 or -errno. */
	int (*rtr)(struct core_qp *qp);
	int (*rts)(struct core_qp *qp);
	/* It leaves for ERR or is destroyed: nothing of it may be under way after this. */
	void (*stop)(struct core_qp *qp);
	/* It is destroyed. May be NULL. */
	void (*gone)(struct core_qp *qp);
	/* n work requests were added at sq_tail, in RTS. */
	void (*posted)(struct core_qp *qp, unsigned n);
	/* Receives were added. May be NULL. */
	void (*filled)(struct core_qp *qp);
	/* An empty send ring begins anew, where it is in the cache: the provider keeps no position of it. */
	bool rewinds;
};

struct core_dev {
	struct rd_dev rd;
	const struct core_ops *ops;
	struct cq cq;
	struct mr_table mrs;
	struct qp_table qps;
	struct pool pds;
	struct rd_req *req_head, **req_tail;
	STAILQ_HEAD(, core_qp) fatal;
	uint64_t now_us;         /* of a provider that knows the time */
	bool gone;
	bool up, up_told;        /* port state, and as last reported */
	bool gone_told;
	uint32_t gids_lost;      /* bit per GID: event pending */
	char name[32];
	uint8_t mac[6];
	uint8_t mtu;
	uint8_t n_gids;
	struct rd_gid gids[RD_MAX_GIDS];
	struct rd_counters counters;
};

struct core_config {
	const char *name;
	const uint8_t *mac;
	uint8_t mtu, n_gids;
	const struct rd_gid *gids;
	uint32_t max_qps, max_mrs;
	uint32_t cq_limit;
	uint32_t qp_size;        /* octets of the provider's queue pair */
	uint32_t qpn_base;
	uint8_t qpn_bits;        /* of index and generation together */
	bool qpn_random;         /* generations begin anywhere but at 0 */
	int node;
	void (*random)(void *ctx, void *buf, size_t len);
	void *ctx;
};

/* ---- core.c ------------------------------------------------------------------ */

/* -EINVAL, -ENOMEM. */
int core_init(struct core_dev *dev, const struct rd_ops *rd_ops, const struct core_ops *ops,
	      const struct core_config *conf);
/* Ends requests with -EIO, stops and forgets the rest. */
void core_fini(struct core_dev *dev);
void core_query(const struct rd_dev *rd, struct rd_info *out);
void core_counters(const struct rd_dev *rd, struct rd_counters *out);
unsigned core_event_poll(struct rd_dev *rd, struct rd_event *ev, unsigned n);
/* Something to poll, to end or to tell. */
bool core_busy(const struct core_dev *dev);
/* The device is gone: all queue pairs go to ERR, RD_EV_DEVICE_GONE. */
void core_unplug(struct core_dev *dev);
/* Queue pairs of that address go to ERR, RD_EV_GID_GONE. */
void core_gid_gone(struct core_dev *dev, const struct rd_gid *gid);
/* What is common in rd_qp_info. */
void core_qp_query(const struct core_qp *qp, struct rd_qp_info *out);
bool core_has_gid(const struct core_dev *dev, const struct rd_gid *gid);

/* ---- request.c ---------------------------------------------------------------- */

void core_submit(struct rd_dev *rd, struct rd_req *req);
unsigned core_progress(struct core_dev *dev, unsigned budget);

/* ---- post.c -------------------------------------------------------------------- */

int core_post_send(struct rd_qp *rd, const struct rd_wr *wr, unsigned n);
unsigned core_send_room(const struct rd_qp *rd);
int core_post_recv(struct rd_qp *rd, const struct rd_recv *recv, unsigned n);

/* The oldest work request not completed ends with this status. */
void core_send_done(struct core_qp *qp, enum rd_status status);
/* The oldest posted receive ends; len octets are in it. */
void core_recv_done(struct core_qp *qp, enum rd_status status, uint32_t len);
/*
 * To ERR, once: the oldest work request ends with status unless that is
 * RD_WC_SUCCESS, all others and all receives are flushed. tell: RD_EV_QP_FATAL.
 */
void core_qp_fail(struct core_qp *qp, enum rd_status status, bool tell);

/* ---- cq.c ----------------------------------------------------------------------- */

/* Room for so many completions more, or that many less. -ENOSPC, -ENOMEM. */
int cq_reserve(struct cq *cq, uint32_t n);
void cq_release(struct cq *cq, uint32_t n);
static inline void cq_push(struct cq *cq, struct core_qp *qp, const struct rd_wc *wc, uint32_t upto)
{
	cq->ring[cq->tail++ & cq->mask] = (struct cqe){ .wc = *wc, .qp = qp, .upto = upto };
}
unsigned cq_poll(struct cq *cq, struct rd_wc *wc, unsigned n);
/* Takes out what is there of a queue pair. */
void cq_purge(struct cq *cq, const struct core_qp *qp);

/* ---- qp_table.c ------------------------------------------------------------------ */

int qp_table_init(struct qp_table *t, const struct core_config *conf);
void qp_table_fini(struct qp_table *t);
/* A cleared queue pair with a number, NULL when there is none. Indices freed
 * less than QP_QUARANTINE_US ago are taken last, and their number never comes
 * back before all other generations. */
struct core_qp *qp_table_get(struct core_dev *dev);
void qp_table_put(struct core_dev *dev, struct core_qp *qp);
#define QP_QUARANTINE_US 1000000

static inline struct core_qp *qp_table_find(const struct qp_table *t, uint32_t qpn)
{
	uint32_t idx = (qpn - t->base) & t->mask;
	struct core_qp *qp;

	if (idx == 0 || idx > t->pool.high)
		return NULL;
	qp = pool_at(&t->pool, idx);
	return qp->rd.qpn == qpn ? qp : NULL;
}

static inline struct core_dev *core_dev_of(const struct core_qp *qp)
{
	return (struct core_dev *)qp->rd.dev;
}

static inline struct wqe *core_wqe(const struct core_qp *qp, uint32_t pos)
{
	return &qp->sq[pos & qp->sq_mask];
}

static inline struct rqe *core_rqe(const struct core_qp *qp, uint32_t pos)
{
	return &qp->rq[pos & qp->rq_mask];
}

/* All of the list is in regions of the queue pair's domain that grant access. */
static inline bool core_sges_ok(const struct core_qp *qp, const struct rd_sge *sge, unsigned n, uint8_t access)
{
	const struct mr_table *mrs = &core_dev_of(qp)->mrs;
	const struct rd_mr *mr = NULL;

	for (unsigned i = 0; i < n; i++) {
		if (sge[i].len == 0)
			continue;
		if (mr == NULL || sge[i].lkey != mr->lkey)
			mr = mr_find(mrs, sge[i].lkey);
		if (!mr_covers(mr, &qp->pd->rd, sge[i].addr, sge[i].len, access))
			return false;
	}
	return true;
}

/* Regions may have ended since the work request was posted: are those of this one there? */
static inline bool core_source_ok(const struct core_qp *qp, const struct wqe *e)
{
	return likely(e->mrs_ended == core_dev_of(qp)->mrs.ended) || (e->flags & RD_F_INLINE) ||
	       core_sges_ok(qp, e->sge, e->n_sge, 0);
}

static inline bool core_sink_ok(const struct core_qp *qp, const struct rqe *r)
{
	return likely(r->mrs_ended == core_dev_of(qp)->mrs.ended) ||
	       core_sges_ok(qp, r->sge, r->n_sge, RD_ACCESS_LOCAL_WRITE);
}

#endif
