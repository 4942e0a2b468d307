/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Urgent data: RFC 9293 3.8.5 as RFC 6093 reads it. Delivered in line; a mark
 * tells where it ends: the pointer names the first octet that is not urgent.
 */
#include "proto/tcp/recv.h"

void rcv_urgent(struct tcp_conn *c, const struct tcp_seg *seg, uint32_t seq)
{
	uint32_t mark = seq + seg->urg;

	if (seg->urg == 0 || (c->flags & TCF_FIN_RCVD) || seq_gt(mark, c->rcv_edge))
		return;
	if (seq_le(mark, rcv_copied(c)))
		return; /* read already */
	if ((c->flags & TCF_URG) && seq_le(mark, c->rcv_urg))
		return; /* one event an advance */
	c->rcv_urg = mark;
	c->flags |= TCF_URG;
	ack_now(c);
	tcp_raise(c, TCP_EV_URGENT);
}

void rcv_urgent_passed(struct tcp_conn *c)
{
	if (seq_le(c->rcv_urg, rcv_copied(c)))
		c->flags &= ~TCF_URG;
}

int64_t tcp_urgent_mark(const struct tcp_conn *c)
{
	if (!(c->flags & TCF_URG))
		return -1;
	return (int32_t)(c->rcv_urg - rcv_copied(c));
}
