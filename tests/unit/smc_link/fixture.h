/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The link part alone: a stack made by hand over the mem provider, a virtual
 * clock, and a peer that is a bare queue pair on the same fabric: it sends
 * octets and keeps the octets it gets. Connections and peers' memory are faked
 * (fakes.c), so is the network below.
 */
#ifndef TESTS_UNIT_SMC_LINK_FIXTURE_H
#define TESTS_UNIT_SMC_LINK_FIXTURE_H

#include "pmd/rdma/mem.h"
#include "proto/smc/conn.h"
#include "proto/smc/handshake.h"
#include "proto/smc/link_impl.h"
#include "tests/unit/test.h"

#define LF_MEM (512u * SMC_MEM_STRIDE) /* 8 MiB of rings */
#define LF_RX 64                 /* receives the peer posts */
#define LF_MSGS 128              /* messages kept */
#define LF_CONNS 300
#define LF_SECOND 77             /* last octet of an address of ours that is no GID */

/* A wait that says what came of it. */
struct lf_wait {
	struct smc_wait w;
	unsigned calls;
	uint32_t reason;
};

/* The other host's end of one link. */
struct lf_peer {
	struct rd_pd *pd;
	struct rd_mr *mr;
	struct rd_qp *qp;
	uint8_t rx[LF_RX][LLC_MAX_LEN / 8];
	uint8_t ring[SMC_BUF_MIN];
	struct { uint8_t b[LLC_MAX_LEN / 8]; uint32_t len; } msgs[LF_MSGS]; /* received, oldest first */
	unsigned n_msgs;
	bool deaf;               /* posts no receive again */
	bool failed;             /* its queue pair saw an error */
};

struct lf {
	struct smc_stack ss;
	struct wheel wheel;
	uint64_t now_us;
	struct mem_fabric *fabric;
	struct rd_dev *us, *them;
	void *arena;
	struct smc_lgr *lgr;     /* of lf_first_contact() */
	struct smc_link *l;
	struct lf_peer peer;
	struct smc_conn conns[LF_CONNS];
};

extern const struct rd_gid lf_gid_us, lf_gid_them;
extern const struct net_addr lf_addr_us, lf_addr_them;
extern const uint8_t lf_peer_id[8];

/* What the fakes saw since lf_init(). */
struct lf_seen {
	unsigned cdc, sent, sent_bad, lost, scheduled, peers, paths, forgotten;
	struct smc_conn *last_scheduled, *last_sent;
	uint64_t peer_bytes, peer_lgrs;
	bool no_peer;            /* smc_peer_get() finds no room */
	bool no_route;
};
extern struct lf_seen lf_seen;

void lf_init(struct lf *f, void (*tweak)(struct smc_config *conf));
/* Ends all, checks that nothing is left. */
void lf_fini(struct lf *f);

void lf_turn(struct lf *f);
/* Until nothing moves any more, without time passing. */
void lf_settle(struct lf *f);
void lf_advance(struct lf *f, uint64_t us);

void lf_wait_done(struct smc_wait *w, uint32_t reason);
static inline struct smc_wait *lf_wait(struct lf_wait *w)
{
	*w = (struct lf_wait){ .w = { .done = lf_wait_done } };
	return &w->w;
}
/* Ended once, with the reason. */
#define LF_ENDED(wait, why) do { \
	CU_ASSERT_EQUAL((wait).calls, 1); \
	CU_ASSERT_EQUAL((wait).reason, (uint32_t)(why)); \
} while (0)

/* A group whose queue pair is there; held. */
struct smc_lgr *lf_create(struct lf *f, enum smc_role role);
/* The peer's end, to our link, both connected. */
void lf_peer_open(struct lf *f, struct lf_peer *p, const struct smc_link *l);
void lf_peer_close(struct lf *f, struct lf_peer *p);
void lf_connect(struct lf *f, struct smc_link *l, struct lf_peer *p);
/* All of it; f->lgr is active, held no more, and has one connection. */
void lf_first_contact(struct lf *f, enum smc_role role);
struct smc_conn *lf_join(struct lf *f, struct smc_lgr *lgr);

/* ---- the peer ---------------------------------------------------------------- */
void lf_send(struct lf *f, struct lf_peer *p, const void *buf, uint32_t len);
void lf_send_llc(struct lf *f, struct lf_peer *p, const struct llc_msg *msg);
/* The oldest message received goes to *msg. False: none, or not LLC. */
bool lf_recv_llc(struct lf *f, struct lf_peer *p, struct llc_msg *msg);
/* The next one, which must be of the type, request or response. */
void lf_expect(struct lf *f, struct lf_peer *p, uint8_t type, bool resp, struct llc_msg *msg);
#define LF_NONE(f, p) do { lf_settle(f); CU_ASSERT_EQUAL((p)->n_msgs, 0); } while (0)
void lf_msg(uint8_t type, struct llc_msg *msg);

#endif
