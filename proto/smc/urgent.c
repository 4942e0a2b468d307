/* SPDX-License-Identifier: BSD-3-Clause */
/* Urgent data (RFC 7609 4.6): one octet, delivered in line as
 * TCP's, with a mark behind it. */
#include <errno.h>

#include "proto/smc/conn_impl.h"

int smc_send_urgent(struct smc_conn *c, uint8_t octet)
{
	ssize_t n = smc_send(c, &octet, 1);

	if (n < 0)
		return (int)n;
	/* Nothing behind it is taken before the peer has read everything. */
	c->urg_out = true;
	c->urg_told = false;
	c->uncork = true;
	c->ss->stats.urgent++;
	return 0;
}

uint8_t smc_urgent_flags(const struct smc_conn *c, uint32_t unsent)
{
	/* The octet is the last one in the ring: posted with the last. */
	if (!c->urg_out || smc_unsent(c) == 0)
		return 0;
	return CDC_URG_PENDING | (unsent == 0 ? CDC_URG_PRESENT : 0);
}

void smc_urgent_consumed(struct smc_conn *c)
{
	if (!c->urg_out || smc_unsent(c) != 0 || smc_peer_room(c) != c->peer_size)
		return;
	c->urg_out = false;
	smc_tell_writable(c);
}

void smc_urgent_input(struct smc_conn *c, uint8_t prod_flags)
{
	if (!(prod_flags & CDC_URG_PRESENT) || smc_ring_used(c) == 0)
		return;
	if (c->urg_in && smc_cursor_equal(&c->urg_mark, &c->peer_prod))
		return;
	c->urg_in = true;
	c->urg_mark = c->peer_prod;
	c->ss->stats.urgent++;
	smc_raise(c, TCP_EV_URGENT);
}

bool smc_urgent_passed(struct smc_conn *c)
{
	if (smc_cursor_older(&c->cons, &c->urg_mark))
		return false;
	c->urg_in = false;
	return true;
}

int64_t smc_urgent_mark(const struct smc_conn *c)
{
	if (!c->urg_in)
		return -1;
	return smc_cursor_distance(&c->cons, &c->urg_mark, c->rmb->size);
}
