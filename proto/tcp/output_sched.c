/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose turn it is to send: round robin, one super-segment a connection and
 * round while its port has room. Who found none is ahead in the next turn.
 */
#include <errno.h>

#include "proto/tcp/conn.h"
#include "proto/tcp/snd.h"

/* Connections of this turn. TCF_IN_OUTPUT stays set, so nobody lists them twice. */
struct round {
	struct tcp_conn *head, *tail;
};

static void push(struct round *r, struct tcp_conn *c)
{
	c->next_output = NULL;
	if (r->head == NULL)
		r->head = c;
	else
		r->tail->next_output = c;
	r->tail = c;
}

static struct tcp_conn *pop(struct round *r)
{
	struct tcp_conn *c = r->head;

	if (c)
		r->head = c->next_output;
	return c;
}

/* Take over the stack's list; handshakes are sent on the way. */
static unsigned begin(struct tcp_stack *ts, struct round *r)
{
	struct round all = { ts->output_head, ts->output_tail };
	struct tcp_conn *c;
	unsigned frames = 0;

	ts->output_head = ts->output_tail = NULL;
	while ((c = pop(&all)) != NULL) {
		if (!tcp_dead(c) && c->state >= TCP_ESTABLISHED) {
			tcp_out_begin(c);
			push(r, c);
			continue;
		}
		c->flags &= ~(uint32_t)TCF_IN_OUTPUT;
		if (!tcp_dead(c)) {
			tcp_syn_output(c);
			frames++;
		}
	}
	return frames;
}

/* rc: why it stops. Without memory it does not stay on the list: the lcore may sleep. */
static unsigned end(struct tcp_conn *c, int rc)
{
	unsigned frames;

	c->flags &= ~(uint32_t)TCF_IN_OUTPUT;
	frames = tcp_out_finish(c);
	if (rc == -ENOMEM)
		tcp_no_memory(c);
	else if (rc < 0)
		tcp_want_output(c);
	return frames;
}

unsigned tcp_output(struct tcp_stack *ts)
{
	struct round r = { 0 };
	unsigned frames = begin(ts, &r);
	struct tcp_conn *c;

	while ((c = pop(&r)) != NULL) {
		int rc = net_path_room(ts->net, &c->path) ? tcp_out_step(c) : -EAGAIN;

		if (rc > 0) {
			frames += (unsigned)rc;
			push(&r, c);
		} else {
			frames += end(c, rc);
		}
	}
	tcp_conn_reap(ts);
	return frames;
}
