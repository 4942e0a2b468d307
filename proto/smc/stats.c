/* SPDX-License-Identifier: BSD-3-Clause */
/* Counted as Linux counts for smcr stats. */
#include "proto/smc/conn_impl.h"

unsigned smc_size_bucket(uint64_t octets)
{
	unsigned i = 0;

	while (i < SMC_SIZE_BUCKETS - 1 && octets > (UINT64_C(8192) << i))
		i++;
	return i;
}

void smc_count_request(struct smc_dir_stats *d, uint64_t len, uint64_t done)
{
	d->requests++;
	if (done == 0)
		return;
	d->reqs[smc_size_bucket(len)]++;
	d->bytes += done;
}

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
