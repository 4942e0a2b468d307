/* SPDX-License-Identifier: BSD-3-Clause */
/* Wires and events: what happens to a frame between two hosts, and when. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/net/offload.h"
#include "tests/sim/sim_impl.h"

/* How long a port holds a transmitted buffer when there is no wire. */
#define PORT_HOLD_US 20

/* ---- event heap -------------------------------------------------------- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at_us < b->at_us || (a->at_us == b->at_us && a->order < b->order);
}

void sim_event_add(struct sim *s, const struct sim_event *ev)
{
	unsigned i;

	if (s->n_events == s->max_events) {
		s->max_events = s->max_events == 0 ? 256 : s->max_events * 2;
		s->heap = realloc(s->heap, s->max_events * sizeof(*s->heap));
		if (s->heap == NULL)
			abort();
	}
	i = s->n_events++;
	s->heap[i] = *ev;
	s->heap[i].order = s->order++;
	for (; i > 0 && before(&s->heap[i], &s->heap[(i - 1) / 2]); i = (i - 1) / 2)
		RTE_SWAP(s->heap[i], s->heap[(i - 1) / 2]);
}

static struct sim_event event_pop(struct sim *s)
{
	struct sim_event top = s->heap[0];
	unsigned i = 0;

	s->heap[0] = s->heap[--s->n_events];
	for (;;) {
		unsigned c = 2 * i + 1;

		if (c >= s->n_events)
			break;
		if (c + 1 < s->n_events && before(&s->heap[c + 1], &s->heap[c]))
			c++;
		if (!before(&s->heap[c], &s->heap[i]))
			break;
		RTE_SWAP(s->heap[c], s->heap[i]);
		i = c;
	}
	return top;
}

static uint64_t digest(const struct rte_mbuf *m)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; m != NULL; m = m->next) {
		const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

		for (unsigned i = 0; i < m->data_len; i++)
			h = (h ^ p[i]) * 0x100000001b3;
	}
	return h;
}

static void event_run(struct sim *s, struct sim_event *ev)
{
	if (ev->kind == SIM_EV_TX_DONE) {
		if (digest(ev->m) != ev->digest)
			sim_fail(s, "a buffer was written to while the port held it");
		rte_pktmbuf_free(ev->m);
		return;
	}
	if (ev->queued)
		ev->host->peer->wire_queued--;
	sim_receive(ev->host, ev->frame);
}

void sim_events_run(struct sim *s)
{
	while (s->n_events > 0 && s->heap[0].at_us <= s->now_us) {
		struct sim_event ev = event_pop(s);

		event_run(s, &ev);
	}
}

void sim_events_free(struct sim *s)
{
	while (s->n_events > 0) {
		struct sim_event ev = event_pop(s);

		wire_free(ev.frame);
		rte_pktmbuf_free(ev.m);
	}
	free(s->heap);
}

/* ---- transmission ------------------------------------------------------ */

static bool chance(struct sim_host *h, uint32_t ppm)
{
	return ppm != 0 && sim_random(h->sim) % 1000000 < ppm;
}

static struct wire_frame *copy(const struct wire_frame *f)
{
	struct wire_frame *c = wire_alloc(f->len);

	memcpy(c->data, f->data, f->len);
	c->gso = f->gso;
	c->partial = f->partial;
	return c;
}

static uint64_t serialise(struct sim_host *h, uint32_t len)
{
	uint64_t now = h->sim->now_us;

	if (h->wire.rate_bps == 0)
		return now;
	if (h->wire_free_us < now)
		h->wire_free_us = now;
	h->wire_free_us += (uint64_t)(len + 24) * 8000000 / h->wire.rate_bps;
	return h->wire_free_us;
}

static void send_one(struct sim_host *h, struct wire_frame *f)
{
	struct sim_wire *w = &h->wire;
	struct sim_event ev = { .kind = SIM_EV_FRAME, .host = h->peer, .frame = f, .queued = true };
	bool ip = f->len > 54 && f->data[12] == 8 && f->data[13] == 0;

	if (w->queue != 0 && h->wire_queued >= w->queue) {
		h->stats.overflowed++;
		wire_free(f);
		return;
	}
	ev.at_us = serialise(h, f->len) + w->delay_us;
	/* Chance spares ARP: three lost requests in a row are a dead next hop. */
	if ((w->drop != NULL && w->drop(w->drop_ctx, f, h->stats.frames - 1)) ||
		(ip && chance(h, w->loss_ppm))) {
		h->stats.lost++;
		wire_free(f);
		return;
	}
	if (chance(h, w->reorder_ppm)) {
		h->stats.reordered++;
		ev.at_us += w->reorder_us;
	}
	if (ip && chance(h, w->corrupt_ppm)) {
		h->stats.corrupted++;
		/* With the address octets spared a frame cannot be taken for another flow's. */
		f->data[34 + sim_random(h->sim) % (f->len - 34)] ^= (uint8_t)(1u << sim_random(h->sim) % 8);
	}
	h->wire_queued++;
	sim_event_add(h->sim, &ev);
}

static void send_frames(struct sim_host *h, struct wire_frame *list)
{
	while (list != NULL) {
		struct wire_frame *f = list;

		list = f->next;
		f->next = NULL;
		h->stats.frames++;
		h->stats.bytes += f->len;
		if (chance(h, h->wire.dup_ppm)) {
			h->stats.duplicated++;
			send_one(h, copy(f));
		}
		send_one(h, f);
	}
}

/* One mbuf as the port takes it: checked, copied to the wire, held a while. */
static void port_take(struct sim_host *h, struct rte_mbuf *m)
{
	struct sim *s = h->sim;
	const char *error = NULL;
	struct wire_frame *list = wire_from_mbuf(m, h->conf.whole, &error);
	struct sim_event done = { .kind = SIM_EV_TX_DONE, .m = m, .digest = digest(m) };
	uint32_t mtu = sim_if(h)->mtu;

	for (struct wire_frame *f = list; f != NULL && error == NULL; f = f->next) {
		error = wire_check(f);
		if (error == NULL && f->gso == 0 && f->len > mtu + 18u && f->len > 64)
			error = "larger than the MTU";
	}
	if (error != NULL)
		sim_fail(s, "frame sent: %s", error);
	done.at_us = s->now_us + PORT_HOLD_US;
	sim_event_add(s, &done);
	if (h->conf.tap != NULL)
		h->conf.tap(h->conf.tap_ctx, list);
	else if (h->peer != NULL)
		send_frames(h, list);
	else
		wire_free(list);
}

void sim_transmit(struct sim_host *h, struct rte_mbuf *m)
{
	struct rte_mbuf *out[NET_GSO_MAX_FRAMES];
	const struct sim_pools *p = sim_pools();
	int n = net_tx_finish(m, sim_if(h)->offloads, p->hdr, p->ind, out, RTE_DIM(out));

	if (n < 0) {
		if (n == -ENOMEM) /* tests of exhaustion: as lost */
			h->stats.lost++;
		else
			sim_fail(h->sim, "net_tx_finish: %d", n);
		rte_pktmbuf_free(m);
		return;
	}
	for (int i = 0; i < n; i++)
		port_take(h, out[i]);
}

/* ---- reception --------------------------------------------------------- */

void sim_queue_push(struct sim_queue *q, struct rte_mbuf *m)
{
	if (q->n == q->max) {
		q->max = q->max == 0 ? 64 : q->max * 2;
		q->m = realloc(q->m, q->max * sizeof(*q->m));
		if (q->m == NULL)
			abort();
	}
	q->m[q->n++] = m;
}

/* The lcore the pipeline would give the frame to: TCP by its hash, the rest to
 * lcore 0. A fragment has no ports. */
static unsigned steer(const struct sim_host *h, const struct wire_frame *f, uint32_t *hash)
{
	struct wire_tcp t;
	uint32_t l3;
	uint16_t vlan;

	*hash = 0;
	if (h->conf.n_lcores == 1 || !wire_tcp_parse(f, &t))
		return 0;
	wire_type(f, &l3, &vlan);
	if ((f->data[l3 + 6] & 0x3f) != 0 || f->data[l3 + 7] != 0)
		return 0;
	*hash = toeplitz_v4(&h->rss, rte_cpu_to_be_32(t.saddr), rte_cpu_to_be_32(t.daddr),
			    rte_cpu_to_be_16(t.sport), rte_cpu_to_be_16(t.dport));
	return (*hash & (SIM_RETA - 1)) % h->conf.n_lcores;
}

void sim_receive(struct sim_host *h, struct wire_frame *f)
{
	bool sums = (sim_if(h)->offloads & NET_RX_CKSUM) != 0;
	struct rte_mbuf *m = wire_to_mbuf(f, sim_pools()->rx, sums);
	unsigned owner, arrived;
	uint32_t hash;

	owner = steer(h, f, &hash);
	arrived = h->conf.wrong_lcore ? (unsigned)(sim_random(h->sim) % h->conf.n_lcores) : owner;
	wire_free(f);
	if (m == NULL) {
		sim_fail(h->sim, "receive pool is dry");
		return;
	}
	m->port = SIM_PORT;
	m->hash.rss = hash;
	m->ol_flags |= RTE_MBUF_F_RX_RSS_HASH;
	if (arrived != owner)
		h->handed_over++;
	sim_queue_push(&h->lcores[owner].rx, m);
}

void sim_inject(struct sim_host *h, struct wire_frame *list)
{
	while (list != NULL) {
		struct wire_frame *f = list;

		list = f->next;
		f->next = NULL;
		sim_receive(h, f);
	}
}
