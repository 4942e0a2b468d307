/* SPDX-License-Identifier: BSD-3-Clause */
/* Used entries that break the rules, for tests and fault injection. */
#include <stdlib.h>

#include "app/vnicd/dev/ring_private.h"

struct lie {
	enum vnicd_ring_lie kind;
	uint32_t left;
	bool swapped; /* ORDER: the id that was kept back comes now */
	uint16_t kept;
	uint8_t busy[VRING_SIZE_MAX];
};

const char *vnicd_ring_lie_name(enum vnicd_ring_lie lie)
{
	static const char *const names[] = {
		[VNICD_LIE_NONE] = "none", [VNICD_LIE_ID_RANGE] = "id_range", [VNICD_LIE_ID_IDLE] = "id_idle",
		[VNICD_LIE_ID_TWICE] = "id_twice", [VNICD_LIE_IDX_JUMP] = "idx_jump",
		[VNICD_LIE_LEN_ZERO] = "len_zero", [VNICD_LIE_LEN_SHORT] = "len_short",
		[VNICD_LIE_LEN_HUGE] = "len_huge", [VNICD_LIE_ORDER] = "order",
	};

	return (unsigned)lie < VNICD_LIE_COUNT ? names[lie] : "unknown";
}

int vnicd_ring_lie(struct vnicd_ring *r, enum vnicd_ring_lie kind, uint32_t count)
{
	struct lie *l = r->lie;

	if ((unsigned)kind >= VNICD_LIE_COUNT)
		return -EINVAL;
	if (kind == VNICD_LIE_NONE || count == 0) {
		free(l);
		r->lie = NULL;
		return 0;
	}
	if (l == NULL)
		l = calloc(1, sizeof(*l));
	if (l == NULL)
		return -ENOMEM;
	l->kind = kind;
	l->left = count;
	l->swapped = false;
	r->lie = l;
	return 0;
}

static void told(struct vnicd_ring *r)
{
	struct lie *l = r->lie;

	if (--l->left == 0 && !l->swapped)
		vnicd_ring_lie(r, VNICD_LIE_NONE, 0);
}

/* Mark the ids that the driver waits for, the one being used apart. */
static void mark_busy(const struct vnicd_ring *r, struct lie *l)
{
	uint16_t at = r->used, n = 0, id, slots;
	bool wrap = r->used_wrap;

	memset(l->busy, 0, r->conf.size);
	if (!r->conf.packed) {
		uint16_t end = ring_load16(&ring_avail(r)->idx);

		for (; at != end && n < r->conf.size; at++, n++) {
			id = ring_load16(&ring_avail(r)->ring[at & (r->conf.size - 1)]);
			if (id < r->conf.size)
				l->busy[id] = 1;
		}
		return;
	}
	while (n < r->conf.size && ring_packed_id_at(r, at, wrap, &id, &slots)) {
		if (id < r->conf.size)
			l->busy[id] = 1;
		ring_packed_step(r, &at, &wrap, slots);
		n = (uint16_t)(n + slots);
	}
}

/* An id the driver does not wait for, or false: it waits for all of them. */
static bool idle_id(struct vnicd_ring *r, uint32_t *id)
{
	struct lie *l = r->lie;

	mark_busy(r, l);
	for (uint16_t i = 0; i < r->conf.size; i++)
		if (!l->busy[i]) {
			*id = i;
			return true;
		}
	return false;
}

/* The id of the chain behind this one; false: there is none. */
static bool following_id(const struct vnicd_ring *r, const struct vnicd_chain *c, uint32_t *id)
{
	uint16_t at = r->used, slots, next;
	bool wrap = r->used_wrap;

	if (!r->conf.packed) {
		at++;
		*id = ring_load16(&ring_avail(r)->ring[at & (r->conf.size - 1)]);
		return at != ring_load16(&ring_avail(r)->idx);
	}
	ring_packed_step(r, &at, &wrap, c->slots);
	if (!ring_packed_id_at(r, at, wrap, &next, &slots))
		return false;
	*id = next;
	return true;
}

static bool lie_order(struct vnicd_ring *r, const struct vnicd_chain *c, uint32_t *id)
{
	struct lie *l = r->lie;

	if (l->swapped) {
		*id = l->kept;
		l->swapped = false;
		if (l->left == 0)
			vnicd_ring_lie(r, VNICD_LIE_NONE, 0);
		return false;
	}
	l->kept = c->id;
	l->swapped = following_id(r, c, id);
	if (!l->swapped)
		*id = c->id;
	return l->swapped;
}

void ring_lie_entry(struct vnicd_ring *r, const struct vnicd_chain *c, uint32_t *id, uint32_t *len)
{
	struct lie *l = r->lie;
	bool lied = true;

	switch (l->kind) {
	case VNICD_LIE_ID_RANGE:
		*id = r->conf.size;
		break;
	case VNICD_LIE_ID_IDLE:
		lied = idle_id(r, id);
		break;
	case VNICD_LIE_ID_TWICE:
		lied = r->has_last;
		if (lied)
			*id = r->last_id;
		break;
	case VNICD_LIE_LEN_ZERO:
		*len = 0;
		break;
	case VNICD_LIE_LEN_SHORT:
		*len = 1;
		break;
	case VNICD_LIE_LEN_HUGE: /* by one and by all, in turn */
		*len = l->left % 2 != 0 ? UINT32_MAX : c->in_len + 1;
		break;
	case VNICD_LIE_ORDER:
		lied = lie_order(r, c, id);
		break;
	default:
		return;
	}
	if (lied)
		told(r);
}

uint16_t ring_lie_jump(struct vnicd_ring *r)
{
	const struct lie *l = r->lie;

	if (l->kind != VNICD_LIE_IDX_JUMP)
		return 0;
	told(r);
	return r->conf.size;
}
