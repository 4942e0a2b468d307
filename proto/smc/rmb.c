/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings of connections: receive memory the peer writes to (RMB) and send
 * buffers. A receive buffer goes to its next owner only after the peer has
 * withdrawn its key, the region has ended and the memory is scrubbed, in this
 * order: Linux lost data of others by another one.
 */
#include <string.h>

#include "proto/smc/handshake.h"
#include "proto/smc/link_impl.h"

uint8_t smc_size_code(uint32_t size)
{
	uint8_t code = 0;

	while (code < SMC_MEM_ORDERS - 1 && (SMC_BUF_MIN << code) < size)
		code++;
	return code;
}

static struct smc_dir_stats *dir_stats(struct smc_buf *b)
{
	return b->remote ? &b->ss->stats.rx : &b->ss->stats.tx;
}

/* What connections use; histograms are the connection's (stats.c). */
static void count_buf(struct smc_buf *b)
{
	*(b->remote ? &b->lgr->rmb_bytes : &b->lgr->sndbuf_bytes) += b->size;
}

static void uncount_buf(struct smc_buf *b)
{
	*(b->remote ? &b->lgr->rmb_bytes : &b->lgr->sndbuf_bytes) -= b->size;
}

/* ---- in a group, and out ------------------------------------------------------------ */

static void group_add(struct smc_lgr *lgr, struct smc_buf *b)
{
	struct smc_lgr_priv *p = lgr->priv;

	b->lgr = lgr;
	b->lgr_next = p->bufs;
	b->lgr_pprev = &p->bufs;
	if (b->lgr_next != NULL)
		b->lgr_next->lgr_pprev = &b->lgr_next;
	p->bufs = b;
	p->n_bufs++;
	p->n_rmbs += b->remote;
}

static void group_del(struct smc_buf *b)
{
	struct smc_lgr *lgr = b->lgr;

	*b->lgr_pprev = b->lgr_next;
	if (b->lgr_next != NULL)
		b->lgr_next->lgr_pprev = b->lgr_pprev;
	lgr->priv->n_bufs--;
	lgr->priv->n_rmbs -= b->remote;
	b->lgr = NULL;
	if (lgr->priv->closing)
		smc_lgr_due(lgr, SMC_DUE_CLOSE);
}

/* ---- ending --------------------------------------------------------------------------- */

static void buf_free(struct smc_buf *b)
{
	struct smc_stack *ss = b->ss;

	memset(b->base, 0, b->size);
	smc_mem_free(ss->mem, b->base, b->code);
	if (b->peer != NULL) {
		b->peer->buf_bytes -= b->size;
		smc_peer_put(ss, b->peer);
	}
	ss->stats.buf_bytes -= b->size;
	pool_put(&ss->bufs, b);
}

static void region_gone(struct smc_buf *b)
{
	b->mr = NULL;
	b->step = SMC_BUF_GONE;
	group_del(b);
	if (b->refs == 0)
		buf_free(b);
}

static void dereg_done(struct rd_req *req)
{
	region_gone((struct smc_buf *)((uint8_t *)req - offsetof(struct smc_buf, req)));
}

static void dereg(struct smc_buf *b)
{
	if (b->mr == NULL) {
		region_gone(b);
		return;
	}
	b->step = SMC_BUF_DEREG;
	memset(&b->req, 0, sizeof(b->req));
	b->req.op = RD_REQ_MR_DEREG;
	b->req.mr = b->mr;
	b->req.done = dereg_done;
	rd_submit(b->lgr->dev->rd, &b->req);
}

/* Where keys are dear the region stays for the group's next connection. */
static bool keep(struct smc_buf *b)
{
	struct smc_lgr *lgr = b->lgr;
	struct rd_info info;

	if (!smc_lgr_alive(lgr) || lgr->links[0]->state != SMC_LINK_ACTIVE || b->refs != 0 || b->mr == NULL)
		return false;
	rd_query(lgr->dev->rd, &info);
	if (info.cheap_rkey)
		return false;
	memset(b->base, 0, b->size);
	uncount_buf(b);
	/* The peer has no key of it any more: room for another connection. */
	lgr->priv->n_rmbs -= b->remote;
	b->step = SMC_BUF_READY;
	b->next = lgr->priv->idle[b->remote][b->code];
	lgr->priv->idle[b->remote][b->code] = b;
	return true;
}

/* A queue pair that still is may have work requests that read or write it. */
static void withdraw(struct smc_buf *b)
{
	struct smc_lgr *lgr = b->lgr;

	if (keep(b))
		return;
	uncount_buf(b);
	if (!smc_lgr_alive(lgr) && lgr->links[0]->qp != NULL)
		b->step = SMC_BUF_PARKED;
	else
		dereg(b);
}

void smc_bufs_unpark(struct smc_lgr *lgr)
{
	struct smc_buf *b, *next;

	for (b = lgr->priv->bufs; b != NULL; b = next) {
		next = b->lgr_next;
		if (b->step == SMC_BUF_PARKED)
			dereg(b);
	}
}

void smc_buf_key_gone(struct smc_buf *b)
{
	b->announced = false;
	withdraw(b);
}

static void end_ready(struct smc_buf *b)
{
	if (b->announced)
		smc_llc_delete_rkey(b);
	else
		withdraw(b);
}

void smc_buf_confirmed(struct smc_buf *b, uint32_t reason)
{
	b->step = SMC_BUF_READY;
	smc_wait_end(b->ss, &b->wait, reason);
	if (b->put)
		end_ready(b);
}

void smc_buf_put(struct smc_buf *b)
{
	b->put = true;
	b->refs--;
	if (b->wait != NULL)
		smc_wait_cancel(b->ss, b->wait);
	/* A region being made, or a key being told, first comes to its end. */
	if (b->step == SMC_BUF_CONFIRM && smc_llc_unqueue(b))
		b->step = SMC_BUF_READY;
	if (b->step == SMC_BUF_READY)
		end_ready(b);
}

void smc_buf_ref(struct smc_buf *b)
{
	b->refs++;
}

void smc_buf_unref(struct smc_buf *b)
{
	if (--b->refs == 0 && b->step == SMC_BUF_GONE)
		buf_free(b);
}

/* ---- beginning -------------------------------------------------------------------------- */

static void reg_done(struct rd_req *req)
{
	struct smc_buf *b = (struct smc_buf *)((uint8_t *)req - offsetof(struct smc_buf, req));

	b->mr = req->rc == 0 ? req->mr : NULL;
	b->step = SMC_BUF_READY;
	smc_wait_end(b->ss, &b->wait, req->rc == 0 ? 0 : SMC_RSN_ERR_REGBUF);
	if (b->put)
		end_ready(b);
}

static void reg(struct smc_buf *b)
{
	b->step = SMC_BUF_REG;
	memset(&b->req, 0, sizeof(b->req));
	b->req.op = RD_REQ_MR_REG;
	b->req.pd = b->lgr->pd;
	b->req.addr = b->base;
	b->req.len = b->size;
	b->req.access = b->remote ? RD_ACCESS_REMOTE_WRITE | RD_ACCESS_LOCAL_WRITE : 0;
	b->req.done = reg_done;
	rd_submit(b->lgr->dev->rd, &b->req);
}

static bool within_quota(const struct smc_stack *ss, const struct smc_peer *peer, uint64_t size)
{
	uint64_t max = ss->conf.buf_bytes_per_peer;

	return max == 0 || (peer != NULL ? peer->buf_bytes : 0) + size <= max;
}

bool smc_bufs_room(const struct smc_stack *ss, const struct smc_peer *peer)
{
	return within_quota(ss, peer, SMC_BUF_MIN) && smc_mem_free_bytes(ss->mem) >= 3 * SMC_BUF_MIN &&
	       ss->bufs.max - ss->bufs.used >= 2;
}

/* The largest there is up to code, within the peer's quota. */
static uint8_t *find_memory(struct smc_lgr *lgr, bool remote, uint8_t *code)
{
	struct smc_stack *ss = lgr->ss;
	uint8_t *base = NULL;

	for (int c = *code; c >= 0 && base == NULL; c--) {
		if (remote && !within_quota(ss, lgr->peer, SMC_BUF_MIN << c))
			continue;
		base = smc_mem_alloc(ss->mem, (unsigned)c);
		*code = (uint8_t)c;
	}
	return base;
}

static struct smc_buf *from_idle(struct smc_lgr *lgr, bool remote, uint8_t code)
{
	struct smc_buf *b = lgr->priv->idle[remote][code];

	if (b == NULL)
		return NULL;
	lgr->priv->idle[remote][code] = b->next;
	lgr->priv->n_rmbs += remote;
	return b;
}

static uint32_t buf_new(struct smc_lgr *lgr, uint8_t code, bool remote, struct smc_buf **out)
{
	struct smc_stack *ss = lgr->ss;
	uint8_t got = code;
	uint8_t *base = find_memory(lgr, remote, &got);
	struct smc_buf *b = base != NULL ? pool_get(&ss->bufs) : NULL;

	if (b == NULL) {
		if (base != NULL)
			smc_mem_free(ss->mem, base, got);
		ss->stats.refused_memory++;
		return SMC_RSN_MEM;
	}
	memset(b, 0, sizeof(*b));
	b->ss = ss;
	b->base = base;
	b->code = got;
	b->size = SMC_BUF_MIN << got;
	b->remote = remote;
	if (remote) {
		b->peer = smc_peer_get(ss, &lgr->addr);
		if (b->peer != NULL)
			b->peer->buf_bytes += b->size;
	}
	ss->stats.buf_bytes += b->size;
	dir_stats(b)->alloc++;
	dir_stats(b)->downgrade += got != code;
	group_add(lgr, b);
	*out = b;
	return 0;
}

uint32_t smc_buf_get(struct smc_lgr *lgr, uint32_t size, bool remote, struct smc_wait *wait, struct smc_buf **out)
{
	uint8_t code = smc_size_code(size);
	struct smc_buf *b;
	uint32_t reason;

	*out = NULL;
	if (!smc_lgr_alive(lgr) || lgr->pd == NULL)
		return SMC_RSN_MEM;
	b = from_idle(lgr, remote, code);
	if (b != NULL) {
		dir_stats(b)->reuse++;
		b->refs = 1;
		b->put = false;
		count_buf(b);
		smc_wait_ready(lgr->ss, wait, 0);
		*out = b;
		return 0;
	}
	reason = buf_new(lgr, code, remote, &b);
	if (reason != 0)
		return reason;
	b->refs = 1;
	count_buf(b);
	smc_wait_set(&b->wait, wait);
	reg(b);
	*out = b;
	return 0;
}

/* ---- with the group ------------------------------------------------------------------------ */

/* Those in nobody's use go with the group. */
void smc_bufs_drop_idle(struct smc_lgr *lgr)
{
	for (unsigned i = 0; i < 2 * SMC_MEM_ORDERS; i++) {
		struct smc_buf **head = &lgr->priv->idle[i / SMC_MEM_ORDERS][i % SMC_MEM_ORDERS];
		struct smc_buf *b;

		while ((b = *head) != NULL) {
			*head = b->next;
			lgr->priv->n_rmbs += b->remote;
			b->step = SMC_BUF_PARKED;
		}
	}
}

void smc_bufs_abandon(struct smc_lgr *lgr)
{
	struct smc_buf *b, *next;

	for (b = lgr->priv->bufs; b != NULL; b = next) {
		next = b->lgr_next;
		b->wait = NULL;
		b->refs = 0;
		if (!b->put) {
			b->refs = 1;
			smc_buf_put(b);
		}
	}
}
