/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <rte_common.h>

#include "app/vnicd/dev/iov.h"

struct vnicd_held {
	TAILQ_ENTRY(vnicd_held) next;
	uint64_t due;
	enum vnicd_way way;
	struct vnic_net_hdr hdr;
	uint32_t len;
	uint8_t data[];
};

/* splitmix64: any seed is a good one. */
static uint64_t
draw(struct vnicd_fault *x)
{
	uint64_t z = x->rng += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0..n-1, by the upper half of a product. */
static uint32_t
draw_below(struct vnicd_fault *x, uint32_t n)
{
	return (uint32_t)((draw(x) >> 32) * n >> 32);
}

static bool
happens(struct vnicd_fault *x, uint32_t rate)
{
	return rate != 0 && draw_below(x, VNICD_CONFIG_PPM) < rate;
}

static void
set_on(struct vnicd_fault *x)
{
	const struct vnicd_config_faults *c = &x->conf;
	bool any = (c->drop | c->duplicate | c->reorder | c->corrupt | c->delay_us | c->jitter_us) != 0;

	x->on[VNICD_WAY_OUT] = any && c->direction != VNICD_FROM_DRIVER;
	x->on[VNICD_WAY_IN] = any && c->direction != VNICD_TO_DRIVER;
}

static void
set_seed(struct vnicd_fault *x, uint64_t seed)
{
	x->conf.seed = seed;
	x->rng = seed;
	if (seed == 0 && getrandom(&x->rng, sizeof(x->rng), 0) < 0)
		x->rng = (uintptr_t)x;
}

void
vnicd_fault_init(struct vnicd_fault *x, const struct vnicd_config_faults *conf, vnicd_fault_fn deliver, void *arg)
{
	memset(x, 0, sizeof(*x));
	x->conf = *conf;
	x->deliver = deliver;
	x->arg = arg;
	TAILQ_INIT(&x->held);
	set_seed(x, conf->seed);
	set_on(x);
}

static void
unhold(struct vnicd_fault *x, struct vnicd_held *h)
{
	TAILQ_REMOVE(&x->held, h, next);
	x->n--;
	x->bytes -= h->len;
	free(h);
}

void
vnicd_fault_fini(struct vnicd_fault *x)
{
	struct vnicd_held *h;

	while ((h = TAILQ_FIRST(&x->held)) != NULL)
		unhold(x, h);
}

static int
set_rate(uint32_t *rate, uint64_t value, uint64_t max)
{
	if (value > max)
		return -EINVAL;
	*rate = (uint32_t)value;
	return 0;
}

int
vnicd_fault_set(struct vnicd_fault *x, enum vnicd_fault_kind kind, uint64_t value)
{
	const struct {
		uint32_t *rate;
		uint64_t max;
	} rates[] = {
		[VNICD_FAULT_DROP] = { &x->conf.drop, VNICD_CONFIG_PPM },
		[VNICD_FAULT_DUPLICATE] = { &x->conf.duplicate, VNICD_CONFIG_PPM },
		[VNICD_FAULT_REORDER] = { &x->conf.reorder, VNICD_CONFIG_PPM },
		[VNICD_FAULT_CORRUPT] = { &x->conf.corrupt, VNICD_CONFIG_PPM },
		[VNICD_FAULT_DELAY] = { &x->conf.delay_us, 10000000 },
		[VNICD_FAULT_JITTER] = { &x->conf.jitter_us, 10000000 },
	};
	int rc = -EINVAL;

	if (kind == VNICD_FAULT_SEED) {
		set_seed(x, value);
		return 0;
	}
	if (kind < RTE_DIM(rates))
		rc = set_rate(rates[kind].rate, value, rates[kind].max);
	set_on(x);
	return rc;
}

void
vnicd_fault_clear(struct vnicd_fault *x)
{
	for (int kind = VNICD_FAULT_DROP; kind <= VNICD_FAULT_JITTER; kind++)
		(void)vnicd_fault_set(x, (enum vnicd_fault_kind)kind, 0);
}

/* ---- packets ---------------------------------------------------------------- */

static struct vnicd_held *
copy_of(struct vnicd_fault *x, enum vnicd_way way, const struct vnicd_frame *f)
{
	struct vnicd_cursor from = vnicd_cursor(f->iov, f->n);
	struct vnicd_held *h;

	if (x->n >= VNICD_FAULT_HELD || x->bytes + f->len > VNICD_FAULT_HELD_BYTES)
		return NULL;
	h = malloc(sizeof(*h) + f->len);
	if (h == NULL)
		return NULL;
	h->way = way;
	h->hdr = f->hdr;
	h->len = (uint32_t)vnicd_cursor_read(&from, h->data, f->len);
	return h;
}

static void
deliver(struct vnicd_fault *x, const struct vnicd_held *h)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)h->data, .iov_len = h->len };
	struct vnicd_frame f = { .hdr = h->hdr, .len = h->len, .n = 1, .iov = &iov };

	x->deliver(x->arg, h->way, &f);
}

/* In the order of due; nearly always at the end. */
static void
hold(struct vnicd_fault *x, struct vnicd_held *h, uint64_t due)
{
	struct vnicd_held *after = TAILQ_LAST(&x->held, vnicd_held_list);

	h->due = due;
	while (after != NULL && after->due > due)
		after = TAILQ_PREV(after, vnicd_held_list, next);
	if (after == NULL)
		TAILQ_INSERT_HEAD(&x->held, h, next);
	else
		TAILQ_INSERT_AFTER(&x->held, after, h, next);
	x->n++;
	x->bytes += h->len;
}

/* Without its offload marks: a checksum that is yet to be made would cover the fault up. */
static void
corrupt(struct vnicd_fault *x, struct vnicd_held *h)
{
	uint32_t bit = draw_below(x, h->len * 8);

	h->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	memset(&h->hdr, 0, sizeof(h->hdr));
	x->stats.corrupted++;
}

/* When the packet goes on: 0, at once. Order is kept but for those held back. */
static uint64_t
due_of(struct vnicd_fault *x, enum vnicd_way way, uint64_t now)
{
	uint64_t delay = UINT64_C(1000) * x->conf.delay_us;

	if (happens(x, x->conf.reorder)) {
		x->stats.reordered++;
		return now + delay + UINT64_C(1000) * x->conf.reorder_us;
	}
	if (x->conf.jitter_us != 0)
		delay += UINT64_C(1000) * draw_below(x, x->conf.jitter_us + 1);
	if (delay == 0 && x->last_due[way] <= now)
		return 0;
	x->stats.delayed++;
	x->last_due[way] = RTE_MAX(x->last_due[way], now + delay);
	return x->last_due[way];
}

static void
pass_one(struct vnicd_fault *x, enum vnicd_way way, const struct vnicd_frame *f, uint64_t now)
{
	bool turn = f->len != 0 && happens(x, x->conf.corrupt);
	uint64_t due = due_of(x, way, now);
	struct vnicd_held *h;

	if (!turn && due == 0) {
		x->deliver(x->arg, way, f);
		return;
	}
	h = copy_of(x, way, f);
	if (h == NULL) {
		x->stats.overflowed++;
		return;
	}
	if (turn)
		corrupt(x, h);
	if (due != 0) {
		hold(x, h, due);
		return;
	}
	deliver(x, h);
	free(h);
}

static uint64_t
next_due(const struct vnicd_fault *x)
{
	const struct vnicd_held *h = TAILQ_FIRST(&x->held);

	return h != NULL ? h->due : UINT64_MAX;
}

uint64_t
vnicd_fault_pass(struct vnicd_fault *x, enum vnicd_way way, const struct vnicd_frame *f, uint64_t now)
{
	if (happens(x, x->conf.drop)) {
		x->stats.dropped++;
		return next_due(x);
	}
	if (happens(x, x->conf.duplicate)) {
		x->stats.duplicated++;
		pass_one(x, way, f, now);
	}
	pass_one(x, way, f, now);
	return next_due(x);
}

uint64_t
vnicd_fault_timer(struct vnicd_fault *x, uint64_t now)
{
	struct vnicd_held *h;

	while ((h = TAILQ_FIRST(&x->held)) != NULL && h->due <= now) {
		deliver(x, h);
		unhold(x, h);
	}
	return next_due(x);
}
