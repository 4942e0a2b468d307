/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A link whose peer sends whatever it likes over RDMA, before and after the link
 * was confirmed, while connections join, get buffers, tell their keys and
 * leave: each wait ends at most once, and in the end nothing is left. The input
 * is an octet of how it begins, then a list of steps.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/smc_link/fixture.h"

#define MAX_STEPS 100
#define MAX_BUFS 8

/* A ring of a connection, as its owner sees it. */
struct ring {
	struct smc_buf *b;
	struct lf_wait w;
	bool told;
};

static struct lf f;
static struct lf_wait confirm;
static struct ring rings[MAX_BUFS];
static bool held;                /* f.lgr may be used */

/* ---- the peer ------------------------------------------------------------------ */

static void send_raw(struct input *in)
{
	uint8_t buf[256];
	unsigned n = octet(in);

	for (unsigned i = 0; i < n; i++)
		buf[i] = (uint8_t)octet(in);
	lf_send(&f, &f.peer, buf, n);
}

/* A message in good order with the input's values, the rest from what we sent last. */
static void send_made(struct input *in)
{
	static const uint8_t types[] = {
		LLC_CONFIRM_LINK, LLC_ADD_LINK, LLC_ADD_LINK_CONT, LLC_DELETE_LINK,
		LLC_REQ_ADD_LINK, LLC_CONFIRM_RKEY, LLC_TEST_LINK, LLC_DELETE_RKEY,
	};
	uint8_t buf[LLC_LEN] = { 0 };
	unsigned how = octet(in), changes = octet(in) % 8;

	buf[0] = types[how % 8] | (how & 8 ? 0 : 0x20);
	buf[1] = LLC_LEN;
	buf[3] = (uint8_t)octet(in);
	buf[4] = (uint8_t)octet(in);
	for (unsigned i = 0; i < changes; i++)
		buf[4 + octet(in) % 40] = (uint8_t)octet(in);
	lf_send(&f, &f.peer, buf, sizeof(buf));
}

/* The answer to our last message, or to whatever it looks like. */
static void answer(struct input *in)
{
	unsigned how = octet(in);
	struct llc_msg msg, rsp;

	while (f.peer.n_msgs > 1)
		lf_recv_llc(&f, &f.peer, &msg);
	if (!lf_recv_llc(&f, &f.peer, &msg))
		return;
	llc_respond(&msg, &rsp);
	rsp.reject = how & 1;
	rsp.negative = how & 2;
	if (how & 4)
		rsp.resp = false;
	if (msg.type == LLC_CONFIRM_LINK && (how & 8))
		rsp.confirm_link.no_eyecatcher = false;
	if (msg.type == LLC_CONFIRM_RKEY && (how & 16))
		rsp.confirm_rkey.rkey++;
	lf_send_llc(&f, &f.peer, &rsp);
}

/* ---- connections and their buffers ------------------------------------------------ */

static void ring_get(unsigned n)
{
	struct ring *r = &rings[n % MAX_BUFS];

	if (r->b != NULL)
		return;
	r->told = false;
	if (smc_buf_get(f.lgr, SMC_BUF_MIN << (n >> 4 & 3), n & 8, lf_wait(&r->w), &r->b) != 0)
		check(r->b == NULL && r->w.calls == 0);
}

static void ring_tell(unsigned n)
{
	struct ring *r = &rings[n % MAX_BUFS];

	if (r->b == NULL || r->told || r->w.calls == 0 || r->w.reason != 0 || !r->b->remote)
		return;
	r->told = true;
	smc_llc_confirm_rkey(f.l, r->b, lf_wait(&r->w));
}

static void ring_put(unsigned n)
{
	struct ring *r = &rings[n % MAX_BUFS];

	if (r->b == NULL)
		return;
	/* A wait that was told at once is not the buffer's to cancel. */
	smc_wait_cancel(&f.ss, &r->w.w);
	smc_buf_put(r->b);
	r->b = NULL;
}

static void join(void)
{
	if (smc_lgr_alive(f.lgr) && f.lgr->n_conns < 20)
		lf_join(&f, f.lgr);
}

static void leave(unsigned n)
{
	struct smc_conn *c = &f.conns[n % 24];

	if (c->lgr != NULL && c->refs[SMC_REF_WR] == 0)
		smc_lgr_leave(c);
}

static void post(unsigned n)
{
	static const uint8_t cdc[CDC_LEN] = { CDC_TYPE, CDC_LEN };
	struct smc_conn *c = &f.conns[n % 24];
	struct rd_wr send;

	if (c->lgr != NULL)
		smc_link_post(c->link, c, &send, 0, cdc, &(struct smc_cursor){ 0 }, 1);
}

static void end_some_way(unsigned how)
{
	switch (how % 4) {
	case 0:
		smc_lgr_stale(f.lgr);
		break;
	case 1:
		smc_lgr_end(f.lgr, LLC_DEL_PROGRAM, how & 4);
		break;
	case 2:
		smc_dev_enable(&f.ss, 0, how & 4);
		break;
	default:
		smc_link_test(f.l);
	}
}

static void let_go(void)
{
	for (unsigned i = 0; i < MAX_BUFS; i++)
		ring_put(i);
	smc_wait_cancel(&f.ss, &confirm.w);
	smc_lgr_unhold(f.lgr);
	held = false;
}

/* ---- all ----------------------------------------------------------------------------- */

static void local_step(unsigned what, unsigned n)
{
	if (!held)
		return;
	switch (what) {
	case 8:
		join();
		break;
	case 9:
		leave(n);
		break;
	case 10:
		ring_get(n);
		break;
	case 11:
		ring_tell(n);
		break;
	case 12:
		ring_put(n);
		break;
	case 13:
		post(n);
		break;
	case 14:
		end_some_way(n);
		break;
	default:
		if (n % 8 == 0)
			let_go();
	}
}

static void step(struct input *in)
{
	unsigned what = octet(in) % 16;

	switch (what) {
	case 0:
		send_raw(in);
		break;
	case 1: case 2: case 3:
		send_made(in);
		break;
	case 4: case 5:
		answer(in);
		break;
	case 6:
		lf_advance(&f, word(in) * 1000ull);
		break;
	case 7:
		lf_settle(&f);
		break;
	default:
		local_step(what, octet(in));
	}
	if (f.peer.n_msgs > 64)
		f.peer.n_msgs = 1;
	check(confirm.calls <= 1);
	for (unsigned i = 0; i < MAX_BUFS; i++)
		check(rings[i].w.calls <= 1);
}

static void begin(unsigned how)
{
	enum smc_role role = how & 1 ? SMC_SERVER : SMC_CLIENT;

	lf_init(&f, NULL);
	memset(rings, 0, sizeof(rings));
	lf_wait(&confirm);
	held = true;
	if (how & 2) {
		lf_first_contact(&f, role);
		smc_lgr_hold(f.lgr);
		return;
	}
	f.lgr = lf_create(&f, role);
	f.l = smc_lgr_link(f.lgr);
	f.lgr->terms.max_links = how & 4 ? 2 : 1;
	lf_connect(&f, f.l, &f.peer);
	lf_join(&f, f.lgr);
	smc_link_confirm(f.l, &confirm.w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	begin(octet(&in));
	for (unsigned i = 0; i < MAX_STEPS && in.left != 0; i++)
		step(&in);
	if (held)
		let_go();
	lf_fini(&f);
	return 0;
}
