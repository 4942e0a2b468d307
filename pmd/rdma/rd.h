/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RDMA as SMC-R needs it: reliable connected queue pairs, protection domains,
 * memory regions, post lists, receive queues, one completion queue. Polled, in
 * bursts; no callback from the data path, no lock.
 *
 * A device is one lcore's share of an RDMA port. Everything of a device (queue
 * pairs, regions, its completion queue) belongs to that lcore and is used by it
 * only, but for rd_close(), which main calls once the lcore has stopped.
 *
 * Providers: roce (software RoCE v2 over any port, roce.h), mem (queue pairs in
 * one process, mem.h). A provider fills struct rd_ops.
 *
 * What may sleep on some provider goes as a request (rd_submit()); its end is
 * told by rd_progress(), never from within rd_submit(). All else returns at
 * once. Functions return 0 or a count, or a negative errno, and do not log.
 *
 * Names and numbers follow libibverbs: status values are ibv_wc_status', MTU
 * codes 1..5 are 256..4096 octets, timer codes those of the InfiniBand
 * specification 9.7.5.
 */
#ifndef RDMA_RD_H
#define RDMA_RD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_common.h>

#define RD_MAX_SGE 4              /* of a send or write */
#define RD_MAX_RECV_SGE 2
#define RD_INLINE_MAX 64          /* octets of an inline send every provider takes */
#define RD_MAX_GIDS 16
#define RD_RETRY_INFINITE 7       /* of rnr_retry */

struct rd_dev;
struct rd_pd;
struct rd_mr;
struct rd_qp;

struct rd_gid {
	uint8_t b[16];            /* ::ffff:a.b.c.d for IPv4 */
};

static inline bool rd_gid_equal(const struct rd_gid *a, const struct rd_gid *b)
{
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

enum rd_op { RD_OP_SEND, RD_OP_WRITE, RD_OP_RECV };

enum rd_wr_flag {
	RD_F_SIGNAL = 1 << 0,     /* a completion also when it succeeds */
	RD_F_INLINE = 1 << 1,     /* sge[0] only, copied by rd_post_send(), at most RD_INLINE_MAX, lkey unused */
	RD_F_SOLICITED = 1 << 2,
};

enum rd_status { /* ibv_wc_status */
	RD_WC_SUCCESS = 0, RD_WC_LOC_LEN_ERR = 1, RD_WC_LOC_QP_OP_ERR = 2, RD_WC_LOC_PROT_ERR = 4,
	RD_WC_WR_FLUSH_ERR = 5, RD_WC_BAD_RESP_ERR = 7, RD_WC_REM_INV_REQ_ERR = 9, RD_WC_REM_ACCESS_ERR = 10,
	RD_WC_REM_OP_ERR = 11, RD_WC_RETRY_EXC_ERR = 12, RD_WC_RNR_RETRY_EXC_ERR = 13, RD_WC_FATAL_ERR = 18,
};
const char *rd_status_name(unsigned status);

/* lkey covers [addr, addr + len). */
struct rd_sge {
	void *addr;
	uint32_t len;
	uint32_t lkey;
};

struct rd_wr {
	uint64_t cookie;
	uint8_t op;               /* RD_OP_SEND, RD_OP_WRITE */
	uint8_t flags;            /* enum rd_wr_flag */
	uint8_t n_sge;
	uint32_t rkey;            /* WRITE */
	uint64_t raddr;           /* WRITE */
	struct rd_sge sge[RD_MAX_SGE];
};

struct rd_recv {
	uint64_t cookie;
	uint8_t n_sge;            /* filled in order */
	struct rd_sge sge[RD_MAX_RECV_SGE];
};

/* With a status other than success only cookie, qp and status hold. */
struct rd_wc {
	uint64_t cookie;
	void *user;               /* rd_qp_init.user */
	uint32_t len;             /* octets received */
	uint8_t status;           /* enum rd_status */
	uint8_t op;               /* enum rd_op */
};

enum rd_access { RD_ACCESS_LOCAL_WRITE = 1, RD_ACCESS_REMOTE_WRITE = 2, RD_ACCESS_REMOTE_READ = 4 };

enum rd_qp_state { RD_QP_RESET, RD_QP_INIT, RD_QP_RTR, RD_QP_RTS, RD_QP_ERR };

struct rd_qp_init {
	struct rd_pd *pd;
	void *user;               /* comes back in completions and events */
	uint16_t send_wr, recv_wr;/* queue depths */
	uint8_t access;           /* enum rd_access the peer may use at all */
};

/* The way to the peer, for RTR and RTS. */
struct rd_qp_attr {
	struct rd_gid local, remote;
	uint8_t remote_mac[6];    /* roce resolves by path instead */
	void *path;               /* roce: neighbour handle of the owner, passed to roce_env.tx(), stays valid
				   * until the queue pair is destroyed */
	uint32_t remote_qpn;      /* 24 bits, as are the PSNs */
	uint32_t rq_psn;          /* the peer's first */
	uint32_t sq_psn;          /* ours */
	uint8_t mtu;              /* code 1..5 */
	uint8_t timeout;          /* code; 0: never */
	uint8_t retry, rnr_retry; /* 0..7; retries of a timeout are counted, 7 too */
	uint8_t min_rnr_timer;    /* code */
	uint8_t hop_limit;
	uint8_t traffic_class;
};

/* ---- requests -------------------------------------------------------------- */

enum rd_req_op {
	RD_REQ_PD_ALLOC,          /* -> pd */
	RD_REQ_PD_FREE,           /* pd: without regions and queue pairs (-EBUSY) */
	RD_REQ_MR_REG,            /* pd, addr, len, access (REMOTE_WRITE asks for LOCAL_WRITE too) -> mr */
	RD_REQ_MR_DEREG,          /* mr */
	RD_REQ_QP_CREATE,         /* init -> qp in INIT: receives may be posted */
	RD_REQ_QP_RTR,            /* qp, attr: receives and acknowledges. Post receives first */
	RD_REQ_QP_RTS,            /* qp, attr (the same): sends */
	RD_REQ_QP_ERR,            /* qp: flushes */
	RD_REQ_QP_DESTROY,        /* qp: none of its completions comes any more, those not yet polled neither */
};

/* The caller's memory, its device's from rd_submit() until done() is called. */
struct rd_req {
	uint8_t op;               /* enum rd_req_op */
	int rc;                   /* 0 or negative errno */
	void (*done)(struct rd_req *req);
	struct rd_pd *pd;
	struct rd_mr *mr;
	struct rd_qp *qp;
	void *addr;               /* MR_REG */
	size_t len;
	uint8_t access;           /* enum rd_access */
	union {
		struct rd_qp_init init;
		struct rd_qp_attr attr;
	};
	struct rd_req *next;      /* the provider's */
};

/* Always ends in one call of done() from a later rd_progress(); errors come in
 * rc: -ENOMEM, -ENOSPC (a limit of the device), -EINVAL, -EBUSY, -EIO (device gone). */
void rd_submit(struct rd_dev *dev, struct rd_req *req);
/* Ends requests, at most budget; those submitted by done() in the same call
 * included. Returns how many. */
static inline unsigned rd_progress(struct rd_dev *dev, unsigned budget);

/* ---- queue pairs and regions ------------------------------------------------- */

uint32_t rd_qp_num(const struct rd_qp *qp);
static inline enum rd_qp_state rd_qp_state(const struct rd_qp *qp);
static inline uint32_t rd_mr_lkey(const struct rd_mr *mr);
uint32_t rd_mr_rkey(const struct rd_mr *mr);
/* What the peer puts into raddr for the region's first octet. */
uint64_t rd_mr_addr(const struct rd_mr *mr);

/*
 * Post a list: all of it or nothing. In order; a WRITE's data is in place when
 * the SEND behind it is received. Octets of not inline work requests must stay
 * unchanged until a completion of it or of a later one of the queue pair.
 * Slots come free in order, with the first completion at or behind them: the
 * last of a full queue should be signalled. In ERR it takes the list and
 * flushes it.
 * -EAGAIN: no room for the list. -EINVAL: state (sends: RTS or ERR), length,
 * lkey. -EIO: the device is gone.
 */
static inline int rd_post_send(struct rd_qp *qp, const struct rd_wr *wr, unsigned n);
/* Work requests that may be posted now. */
unsigned rd_send_room(const struct rd_qp *qp);
static inline int rd_post_recv(struct rd_qp *qp, const struct rd_recv *recv, unsigned n); /* likewise */

/* Completions, at most n: of a queue pair send completions in order of posting,
 * receive completions in order of arrival; each posted receive and each
 * signalled or failed work request exactly once, also when the device is lost.
 * A failed one is followed by RD_WC_WR_FLUSH_ERR for all behind it and all receives. */
static inline unsigned rd_poll(struct rd_dev *dev, struct rd_wc *wc, unsigned n);

/* ---- events -------------------------------------------------------------------- */

enum rd_event_type {
	RD_EV_PORT_UP, RD_EV_PORT_DOWN,
	RD_EV_GID_GONE,           /* gid: its queue pairs are dead */
	RD_EV_DEVICE_GONE,        /* every post and every request that makes something fails, all is flushed;
				   * freeing, deregistering and destroying still work */
	RD_EV_QP_FATAL,           /* user: the queue pair went to ERR, once; not by RD_REQ_QP_ERR */
};
struct rd_event {
	uint8_t type;
	void *user;
	struct rd_gid gid;
};
static inline unsigned rd_event_poll(struct rd_dev *dev, struct rd_event *ev, unsigned n);

/* ---- looking --------------------------------------------------------------------- */

struct rd_info {
	char name[32];
	char provider[8];         /* "roce", "mem" */
	bool up;
	uint8_t mac[6];
	uint8_t mtu;              /* code: the largest the port carries */
	uint8_t n_gids;
	struct rd_gid gids[RD_MAX_GIDS];
	uint16_t vlan;
	uint32_t max_qps, max_mrs;
	uint32_t qps, mrs, pds;   /* there are now */
	bool cheap_rkey;          /* a region may be registered anew for each connection */
};
void rd_query(const struct rd_dev *dev, struct rd_info *out);

/* Names as rxe has them where it has them. */
#define RD_COUNTERS(X) \
	X(sent_pkts) X(rcvd_pkts) X(sent_bytes) X(rcvd_bytes) X(rdma_sends) X(rdma_recvs) X(rdma_writes) \
	X(duplicate_request) X(out_of_seq_request) X(rcvd_rnr_err) X(send_rnr_err) X(rcvd_seq_err) X(ack_deferred) \
	X(retry_exceeded_err) X(retry_rnr_exceeded_err) X(completer_retry_err) X(send_err) \
	X(acks_sent) X(naks_sent) X(retransmitted_pkts) X(timeouts) X(tail_probes) X(spurious_retransmits) \
	X(win_limited) X(tx_full) X(no_mbuf) \
	X(ce_rcvd) X(cnp_rcvd) X(rkey_err) X(access_err) X(invalid_request) \
	X(bad_len) X(bad_opcode) X(bad_tver) X(bad_qpn) X(bad_addr) X(bad_pkey) X(bad_state) X(bad_ack) X(bad_udp_cksum) \
	X(icrc_err) X(fragment) X(ip_options)
struct rd_counters {
#define RD_COUNTER_FIELD(name) uint64_t name;
	RD_COUNTERS(RD_COUNTER_FIELD)
#undef RD_COUNTER_FIELD
};
void rd_counters(const struct rd_dev *dev, struct rd_counters *out);

struct rd_qp_info {
	uint32_t qpn, remote_qpn;
	enum rd_qp_state state;
	uint8_t mtu;
	uint32_t sq_psn, una_psn, rq_psn; /* next to send, oldest unacknowledged, next expected */
	uint32_t msn;
	uint16_t send_used, recv_used;    /* work requests posted, not completed */
	uint32_t window, in_flight;       /* packets; 0 with mem */
	uint32_t srtt_us, rto_us;
	uint64_t retransmits, rnr_naks_in, rnr_naks_out, seq_naks_in, seq_naks_out;
};
void rd_qp_query(const struct rd_qp *qp, struct rd_qp_info *out);

/* Work the device could do now without a new packet or deadline. */
bool rd_busy(const struct rd_dev *dev);
/* Queue pairs and regions vanish, without completions; requests under way end
 * with -EIO first. */
void rd_close(struct rd_dev *dev);

/* ---- for providers ------------------------------------------------------------------ */

struct rd_ops {
	void (*submit)(struct rd_dev *dev, struct rd_req *req);
	unsigned (*progress)(struct rd_dev *dev, unsigned budget);
	int (*post_send)(struct rd_qp *qp, const struct rd_wr *wr, unsigned n);
	unsigned (*send_room)(const struct rd_qp *qp);
	int (*post_recv)(struct rd_qp *qp, const struct rd_recv *recv, unsigned n);
	unsigned (*poll)(struct rd_dev *dev, struct rd_wc *wc, unsigned n);
	unsigned (*event_poll)(struct rd_dev *dev, struct rd_event *ev, unsigned n);
	void (*query)(const struct rd_dev *dev, struct rd_info *out);
	void (*counters)(const struct rd_dev *dev, struct rd_counters *out);
	void (*qp_query)(const struct rd_qp *qp, struct rd_qp_info *out);
	bool (*busy)(const struct rd_dev *dev);
	void (*close)(struct rd_dev *dev);
};

/* The first member of every provider's own structures. */
struct rd_dev {
	const struct rd_ops *ops;
};
struct rd_pd {
	struct rd_dev *dev;
};
struct rd_mr {
	struct rd_pd *pd;
	uint32_t lkey, rkey;
	uint8_t *start;
	size_t len;
	uint64_t addr;            /* as the peer names start */
	uint8_t access;
};
struct rd_qp {
	struct rd_dev *dev;
	void *user;
	uint32_t qpn;
	uint8_t state;            /* enum rd_qp_state */
};

/* ---- the calls of every turn, in line ---------------------------------------------------- */

static inline enum rd_qp_state rd_qp_state(const struct rd_qp *qp)
{
	return (enum rd_qp_state)qp->state;
}

static inline uint32_t rd_mr_lkey(const struct rd_mr *mr)
{
	return mr->lkey;
}

static inline unsigned rd_progress(struct rd_dev *dev, unsigned budget)
{
	return dev->ops->progress(dev, budget);
}

static inline int rd_post_send(struct rd_qp *qp, const struct rd_wr *wr, unsigned n)
{
	return qp->dev->ops->post_send(qp, wr, n);
}

static inline int rd_post_recv(struct rd_qp *qp, const struct rd_recv *recv, unsigned n)
{
	return qp->dev->ops->post_recv(qp, recv, n);
}

static inline unsigned rd_poll(struct rd_dev *dev, struct rd_wc *wc, unsigned n)
{
	return dev->ops->poll(dev, wc, n);
}

static inline unsigned rd_event_poll(struct rd_dev *dev, struct rd_event *ev, unsigned n)
{
	return dev->ops->event_poll(dev, ev, n);
}

static inline uint32_t rd_mtu_octets(uint8_t code)
{
	return code >= 1 && code <= 5 ? 128U << code : 0;
}

/* The largest code whose packets fit an IP MTU of so many octets, by rxe's rule
 * (80 octets of headers); 0: none. */
uint8_t rd_mtu_code(uint32_t ip_mtu);

#endif
