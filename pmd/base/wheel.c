/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A timer's level is the highest octet in which its tick differs from
 * now_tick, so a slot of level L holds ticks that share all octets above L
 * with now_tick (level 3: that lie less than a turn ahead). The slot with the
 * earliest first tick is therefore among the first occupied slots of the four
 * levels: a jump over any stretch of time looks at occupied slots only.
 *
 * Invariant: no timer in a slot has a tick before now_tick. now_tick enters an
 * upper slot only at its first tick and stays there until the slot has been
 * emptied into lower levels.
 *
 * Most calls come before the earliest occupied slot begins: they end at once, and
 * leave now_tick behind: a little, so that new timers find low levels, and not into another
 * slot of the top level, which the wheel's reach goes by.
 */
#include "pmd/base/wheel.h"

#include <string.h>

#define SLOT_BITS 8
#define SLOT_MASK (WHEEL_SLOTS - 1)
#define TOP (WHEEL_LEVELS - 1)
#define TOP_SHIFT (TOP * SLOT_BITS)
#define ON_EXPIRED UINT16_MAX
#define NO_SLOT UINT64_MAX
#define LAG_MAX 65536u /* ticks */

static inline void list_init(struct wheel_timer *head)
{
	head->next = head->prev = head;
}

static inline bool list_empty(const struct wheel_timer *head)
{
	return head->next == head;
}

static inline void list_add_tail(struct wheel_timer *head, struct wheel_timer *t)
{
	t->next = head;
	t->prev = head->prev;
	head->prev->next = t;
	head->prev = t;
}

static inline void list_del(struct wheel_timer *t)
{
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->next = t->prev = NULL;
}

static inline uint64_t *slot_word(struct wheel *w, unsigned slot)
{
	return &w->map[slot / WHEEL_SLOTS][(slot & SLOT_MASK) / 64];
}

static void unlink_timer(struct wheel *w, struct wheel_timer *t)
{
	list_del(t);
	if (t->slot != ON_EXPIRED && list_empty(&w->slots[t->slot]))
		*slot_word(w, t->slot) &= ~(1ull << (t->slot % 64));
}

/* The whole tick of a timer in a slot: at most one turn ahead of now_tick. */
static inline uint64_t full_tick(const struct wheel *w, const struct wheel_timer *t)
{
	return w->now_tick + (uint32_t)(t->tick - (uint32_t)w->now_tick);
}

static void place(struct wheel *w, struct wheel_timer *t, uint64_t tick)
{
	uint64_t diff = tick ^ w->now_tick;
	unsigned level = diff == 0 ? 0 : (63 - (unsigned)__builtin_clzll(diff)) / SLOT_BITS;
	uint64_t first;

	/* Beyond the fourth octet: the top level wraps. */
	if (level > TOP)
		level = TOP;
	t->tick = (uint32_t)tick;
	t->slot = (uint16_t)(level * WHEEL_SLOTS + ((tick >> (level * SLOT_BITS)) & SLOT_MASK));
	list_add_tail(&w->slots[t->slot], t);
	*slot_word(w, t->slot) |= 1ull << (t->slot % 64);
	first = (tick >> (level * SLOT_BITS) << (level * SLOT_BITS)) * WHEEL_TICK_US;
	if (first < w->quiet_us)
		w->quiet_us = first;
}

void wheel_init(struct wheel *w, uint64_t now_us)
{
	memset(w, 0, sizeof(*w));
	w->now_us = now_us;
	w->now_tick = now_us / WHEEL_TICK_US;
	for (unsigned i = 0; i < WHEEL_LEVELS * WHEEL_SLOTS; i++)
		list_init(&w->slots[i]);
	list_init(&w->expired);
}

void wheel_register(struct wheel *w, uint8_t kind, wheel_fn fn, void *ctx)
{
	if (kind >= WHEEL_KINDS)
		return;
	w->kinds[kind].fn = fn;
	w->kinds[kind].ctx = ctx;
}

void wheel_arm(struct wheel *w, struct wheel_timer *t, uint8_t kind, uint64_t deadline_us)
{
	/* The last tick before the top level would reach the current slot again. */
	uint64_t last = (((w->now_tick >> TOP_SHIFT) + WHEEL_SLOTS) << TOP_SHIFT) - 1;
	uint64_t tick = deadline_us / WHEEL_TICK_US;

	if (wheel_armed(t))
		unlink_timer(w, t);
	else
		w->armed++;
	t->kind = kind;
	t->sub = (uint8_t)(deadline_us % WHEEL_TICK_US);
	if (tick < w->now_tick) {
		tick = w->now_tick;
		t->sub = 0;
	} else if (tick > last) {
		tick = last;
	}
	place(w, t, tick);
}

void wheel_cancel(struct wheel *w, struct wheel_timer *t)
{
	if (!wheel_armed(t))
		return;
	unlink_timer(w, t);
	w->armed--;
}

/* First occupied slot of a level at or after slot from, -1 if none. */
static int find_slot(const uint64_t *map, unsigned from)
{
	uint64_t word = map[from / 64] & (~0ull << (from % 64));

	for (unsigned i = from / 64;; word = map[i]) {
		if (word != 0)
			return (int)(i * 64 + (unsigned)__builtin_ctzll(word));
		if (++i == WHEEL_SLOTS / 64)
			return -1;
	}
}

/* First tick of the earliest occupied slot of a level, NO_SLOT if none. */
static uint64_t level_first(const struct wheel *w, unsigned level, unsigned *slot)
{
	unsigned shift = level * SLOT_BITS;
	uint64_t at = w->now_tick >> shift;
	int s = find_slot(w->map[level], (unsigned)(at & SLOT_MASK));

	if (s < 0 && level == TOP)
		s = find_slot(w->map[level], 0);
	if (s < 0)
		return NO_SLOT;
	*slot = level * WHEEL_SLOTS + (unsigned)s;
	return (at + (((unsigned)s - at) & SLOT_MASK)) << shift;
}

/* The earliest occupied slot. Of two with the same first tick the upper one
 * comes first: it may hold timers of that very tick. */
static uint64_t first_slot(const struct wheel *w, unsigned *slot)
{
	uint64_t best = NO_SLOT;

	for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
		unsigned s = 0;
		uint64_t start = level_first(w, level, &s);

		if (start != NO_SLOT && start <= best) {
			best = start;
			*slot = s;
		}
	}
	return best;
}

struct advance {
	uint64_t tick;   /* target */
	uint8_t sub;
	unsigned due;    /* timers put on the expired list */
	unsigned moves;
	unsigned budget; /* bound of each */
};

static inline bool is_due(const struct advance *a, const struct wheel_timer *t, uint64_t tick)
{
	return tick < a->tick || (tick == a->tick && t->sub <= a->sub);
}

/* Empty one slot: due timers to the expired list, others one or more levels
 * down, or left where they are in the slot of the target tick itself. Returns
 * false when the budget ended first. */
static bool drain_slot(struct wheel *w, unsigned slot, struct advance *a)
{
	struct wheel_timer *head = &w->slots[slot], *t, *next;

	for (t = head->next; t != head; t = next) {
		uint64_t tick = full_tick(w, t);

		next = t->next;
		if (is_due(a, t, tick)) {
			if (a->due == a->budget)
				return false;
			a->due++;
			unlink_timer(w, t);
			t->slot = ON_EXPIRED;
			list_add_tail(&w->expired, t);
			continue;
		}
		if (a->moves == a->budget)
			return false;
		a->moves++;
		if (slot >= WHEEL_SLOTS) {
			unlink_timer(w, t);
			place(w, t, tick);
		}
	}
	return true;
}

static void collect(struct wheel *w, struct advance *a)
{
	unsigned slot = 0;
	uint64_t start;

	w->quiet_us = 0;
	for (;;) {
		start = first_slot(w, &slot);
		if (start == NO_SLOT || start > a->tick)
			break;
		w->now_tick = start;
		if (!drain_slot(w, slot, a))
			return;
		/* Only the target's own slot can be left with something in it. */
		if (start == a->tick && slot < WHEEL_SLOTS)
			return;
	}
	w->now_tick = a->tick;
	if (start > a->tick + LAG_MAX)
		start = a->tick + LAG_MAX;
	if (start >> TOP_SHIFT != a->tick >> TOP_SHIFT) /* what now_tick can reach goes by this slot */
		start = ((a->tick >> TOP_SHIFT) + 1) << TOP_SHIFT;
	w->quiet_us = start * WHEEL_TICK_US;
}

unsigned wheel_advance(struct wheel *w, uint64_t now_us, unsigned budget)
{
	struct advance a = { .budget = budget };
	unsigned fired = 0;

	if (now_us < w->now_us)
		now_us = w->now_us;
	w->now_us = now_us;
	if (now_us < w->quiet_us && list_empty(&w->expired))
		return 0;
	a.tick = now_us / WHEEL_TICK_US;
	a.sub = (uint8_t)(now_us % WHEEL_TICK_US);
	collect(w, &a);

	while (!list_empty(&w->expired)) {
		struct wheel_timer *t = w->expired.next;
		uint8_t kind = t->kind;

		list_del(t);
		w->armed--;
		fired++;
		if (kind < WHEEL_KINDS && w->kinds[kind].fn != NULL)
			w->kinds[kind].fn(w->kinds[kind].ctx, t, now_us);
	}
	return fired;
}

uint64_t wheel_next_us(const struct wheel *w)
{
	unsigned slot = 0, sub = WHEEL_TICK_US;
	uint64_t start;

	if (!list_empty(&w->expired))
		return w->now_us;
	start = first_slot(w, &slot);
	if (start == NO_SLOT)
		return WHEEL_NEVER;
	if (start != w->now_tick || slot >= WHEEL_SLOTS)
		return start * WHEEL_TICK_US;
	/* What is left of the current tick: exact, or a virtual clock would stand still. */
	for (const struct wheel_timer *t = w->slots[slot].next; t != &w->slots[slot] && sub != 0; t = t->next)
		if (t->sub < sub)
			sub = t->sub;
	return start * WHEEL_TICK_US + sub;
}
