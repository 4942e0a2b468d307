/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage 4 of a turn: what devices have to tell. */
#include "proto/smc/link_impl.h"

#define BURST 32
#define BURSTS 8                 /* per device and turn, so that the stages behind get theirs */
#define REQUESTS 64
#define EVENTS 8

static unsigned poll_completions(struct smc_dev *dev)
{
	struct rd_wc wc[BURST];
	unsigned n, total = 0;

	for (unsigned round = 0; round < BURSTS; round++) {
		n = rd_poll(dev->rd, wc, BURST);
		for (unsigned i = 0; i < n; i++) {
			struct smc_link *l = wc[i].user;

			/* The link stays until its queue pair's destruction was told
			 * by rd_progress(), so within a burst it is there. */
			if (SMC_COOKIE_KIND(wc[i].cookie) == SMC_WR_RECV)
				smc_rx_done(l, &wc[i]);
			else
				smc_wr_done(l, &wc[i]);
		}
		total += n;
		if (n < BURST)
			break;
	}
	return total;
}

static unsigned poll_events(struct smc_stack *ss, struct smc_dev *dev)
{
	struct rd_event ev[EVENTS];
	unsigned n = rd_event_poll(dev->rd, ev, EVENTS);

	for (unsigned i = 0; i < n; i++)
		smc_dev_event(ss, dev, &ev[i]);
	return n;
}

unsigned smc_links_poll(struct smc_stack *ss)
{
	unsigned n = 0;

	if (++ss->turn == 0)
		ss->turn = 1;
	for (unsigned i = 0; i < ss->n_devs; i++) {
		struct smc_dev *dev = &ss->devs[i];

		/* Events first: those of a queue pair name its link, which
		 * rd_progress() may find to be destroyed. */
		n += poll_events(ss, dev);
		n += rd_progress(dev->rd, REQUESTS);
		n += poll_completions(dev);
	}
	if (ss->lgr_work)
		smc_lgrs_work(ss);
	if (ss->ready_head != NULL) {
		smc_waits_run(ss);
		n++;
	}
	return n;
}
