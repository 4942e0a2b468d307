/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers of smc_give() that are sent from where they lie: work requests read
 * them, so each is held until the completion behind its last octet. In the send
 * ring they take the place their octets would have, so that cursors, room and
 * limits are the same as for what was copied; only the ring's memory there is
 * not used. Inside the connection part of proto/smc.
 */
#ifndef SMC_GIVE_H
#define SMC_GIVE_H

#include "proto/smc/conn_impl.h"

#define SMC_GIVES_MAX 1024u      /* buffers of a stack held at most; beyond, they are copied */

struct smc_given {
	struct smc_given *next;
	struct rte_mbuf *m;
	struct smc_cursor begin;  /* in the send ring */
	uint32_t len;
	uint32_t lkey;
};

struct smc_gives {
	struct pool pool;
	struct smc_given *late;   /* of connections that went with the stack while work requests were under way */
};

struct smc_gives *smc_gives_new(int node);

/* Queue one buffer behind what is queued, without copying: it is the
 * connection's then. False: no region has it, or too many are held. */
bool smc_give_ref(struct smc_conn *c, struct rte_mbuf *m);
/* A completion came, or will not: what nobody reads any more is freed. */
void smc_give_done(struct smc_conn *c);
/* What was not posted is not sent: prep has gone back to sent. */
void smc_give_drop(struct smc_conn *c);
/* All go; with work requests under way, when the stack has none any more. */
void smc_give_end(struct smc_conn *c);

/* From sent on, at most len octets in one piece: from the ring or the buffer *g,
 * which moves on. *g: the first that is not all before sent. */
static inline void smc_give_piece(const struct smc_conn *c, const struct smc_given **g, const struct smc_cursor *sent,
				  uint32_t len, struct rd_sge *sge)
{
	uint32_t size = c->snd->size, skip;
	int64_t ahead = 1;

	if (unlikely(*g != NULL))
		ahead = smc_cursor_distance(sent, &(*g)->begin, size);
	if (likely(ahead > 0)) {
		len = RTE_MIN(len, size - sent->count);
		if (unlikely(*g != NULL))
			len = (uint32_t)RTE_MIN((int64_t)len, ahead);
		*sge = (struct rd_sge){ c->snd->base + sent->count, len, rd_mr_lkey(c->snd->mr) };
		return;
	}
	skip = (uint32_t)-ahead;
	len = RTE_MIN(len, (*g)->len - skip);
	*sge = (struct rd_sge){ rte_pktmbuf_mtod_offset((*g)->m, uint8_t *, skip), len, (*g)->lkey };
	if (skip + len == (*g)->len)
		*g = (*g)->next;
}

#endif
