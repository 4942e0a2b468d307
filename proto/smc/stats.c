/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted as Linux counts for smcr stats. */
#include "proto/smc/conn_impl.h"

void smc_stats_clear(struct smc_stack *ss)
{
	const struct smc_stats old = ss->stats;

	ss->stats = (struct smc_stats){
		.rx.buf_usage = old.rx.buf_usage, .tx.buf_usage = old.tx.buf_usage, .conns = old.conns,
		.buf_bytes = old.buf_bytes,
	};
}

static void count_ring(struct smc_dir_stats *d, const struct smc_buf *b, bool taken)
{
	if (b == NULL)
		return;
	if (!taken) {
		d->buf_usage -= b->size;
		return;
	}
	d->buf_usage += b->size;
	d->bufs[smc_size_bucket(b->size)]++;
}

void smc_count_rings(struct smc_conn *c, bool taken)
{
	count_ring(&c->ss->stats.rx, c->rmb, taken);
	count_ring(&c->ss->stats.tx, c->snd, taken);
}
