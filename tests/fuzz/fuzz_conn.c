/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An SMC connection whose peer sends whatever CDC messages it likes, while its
 * user sends, reads, takes and closes: no octet outside of either ring is
 * touched, and in the end nothing is left of it. The input is a list of steps,
 * an octet of what and two of how much.
 */
#include <errno.h>

#include "proto/smc/takes.h"
#include "tests/fuzz/input.h"
#include "tests/unit/smc_conn/world.h"

#define MAX_STEPS 200
#define MAX_HELD 16

static struct rte_mbuf *held[MAX_HELD];
static unsigned n_held;
static bool open;               /* u[1] has its handle */

/* What the user may rely on, whatever the peer has sent. */
static void check_user(void)
{
	const struct smc_conn *c = u[1].c;
	struct tcp_piece pieces[4];
	uint32_t sum = 0;
	unsigned n;

	if (!open || c->rmb == NULL)
		return;
	n = smc_peek(c, pieces, 4);
	check(n <= 2);
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *p = pieces[i].data;

		check(p >= c->rmb->base && p + pieces[i].len <= c->rmb->base + c->rmb->size);
		sum += pieces[i].len;
	}
	check(sum == smc_readable(c) && sum <= c->rmb->size);
	check(smc_unacked(c) <= c->snd->size && smc_unsent(c) <= smc_unacked(c));
	check(smc_peer_room(c) <= c->peer_size);
	check(smc_send_room(u[1].c) <= c->snd->size);
	check(smc_urgent_mark(c) <= (int64_t)c->rmb->size);
}

/* ---- the peer ---------------------------------------------------------------- */

static void move(struct smc_cursor *c, struct input *in)
{
	unsigned how = octet(in), n = word(in);

	if (how & 1)
		c->count = n;
	else
		smc_cursor_add(c, n % 16384, 16384);
	if (how & 2)
		c->wrap = (uint16_t)(c->wrap + (int8_t)octet(in));
	if (how & 4)
		c->count = UINT32_MAX - n;
}

static void peer_sends(struct input *in)
{
	struct cdc_msg m;
	unsigned how = octet(in);

	if (!open)
		return;
	m = world_cdc(&u[1]);
	if (how & 1)
		move(&m.prod, in);
	if (how & 2)
		move(&m.cons, in);
	if (how & 4)
		m.seq = (uint16_t)(m.seq + (int8_t)octet(in));
	if (how & 8)
		m.prod_flags = (uint8_t)octet(in);
	if (how & 16)
		m.conn_flags = (uint8_t)octet(in);
	if (how & 32)
		m.token += octet(in);
	world_inject(&u[1], &m);
}

/* ---- the user ------------------------------------------------------------------ */

static void user_takes(unsigned n)
{
	struct rte_mbuf *m;

	if (n_held == MAX_HELD || smc_take(u[1].c, n, &m, NULL) == 0)
		return;
	held[n_held++] = m;
}

static void free_held(unsigned which)
{
	if (n_held == 0)
		return;
	which %= n_held;
	rte_pktmbuf_free(held[which]);
	held[which] = held[--n_held];
}

static void user_sends(unsigned n)
{
	static const uint8_t octets[65536];
	struct tcp_piece pieces[2];

	if ((n & 3) != 0) {
		smc_send(u[1].c, octets, n);
	} else if (smc_send_reserve(u[1].c, n, pieces) > 0) {
		smc_send_commit(u[1].c, n / 2);
	}
}

static void tcp_ends(unsigned how)
{
	struct tcp_conn *t = &tcp[1];

	if (t->closed || t->aborted)
		return;
	if (how & 1)
		t->error = ECONNRESET;
	t->eof = true;
	t->dead = how & 2;
	smc_tcp_event(t->user, t->dead ? TCP_EV_CLOSED : TCP_EV_EOF);
}

static void leave(bool abort_it)
{
	open = false;
	if (abort_it)
		smc_abort(u[1].c);
	else
		smc_close(u[1].c);
}

static void user_step(unsigned what, unsigned n)
{
	uint8_t buf[512];

	if (!open)
		return;
	switch (what) {
	case 0:
		user_sends(n);
		break;
	case 1:
		smc_read(u[1].c, buf, n % sizeof(buf));
		break;
	case 2:
		smc_consume(u[1].c, n);
		break;
	case 3:
		user_takes(n);
		break;
	case 4:
		smc_send_urgent(u[1].c, 'u');
		break;
	case 5:
		smc_cork(u[1].c, n & 1);
		smc_nodelay(u[1].c, n & 2);
		break;
	case 6:
		smc_shutdown(u[1].c);
		break;
	default:
		leave(n & 1);
	}
}

static void step(struct input *in)
{
	unsigned what = octet(in) % 16, n = word(in);

	switch (what) {
	case 8:
	case 9:
		peer_sends(in);
		break;
	case 10:
		free_held(n);
		break;
	case 11:
		world_run();
		break;
	case 12:
		world_wait((uint64_t)n * 100);
		break;
	case 13:
		world_output();
		world_arrive(1);
		break;
	case 14:
		world_complete(1);
		break;
	case 15:
		tcp_ends(n);
		break;
	default:
		user_step(what, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	pair_world(NULL, NULL);
	open = true;
	for (unsigned i = 0; i < MAX_STEPS && in.left != 0; i++) {
		step(&in);
		check_user();
	}
	if (open)
		leave(true);
	smc_abort(u[0].c);
	while (n_held > 0)
		free_held(0);
	/* The longest anyone waits for the other's answer. */
	world_wait(130ull * 1000000);
	world_close();
	return 0;
}
