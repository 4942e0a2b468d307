/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smc/link_impl.h"

void smc_wait_ready(struct smc_stack *ss, struct smc_wait *w, uint32_t reason)
{
	w->at = NULL;
	w->reason = reason;
	w->next = NULL;
	*ss->ready_tail = w;
	ss->ready_tail = &w->next;
	/* So that taking it back finds it: see smc_wait_cancel(). */
	w->at = &ss->ready_head;
}

void smc_wait_end(struct smc_stack *ss, struct smc_wait **at, uint32_t reason)
{
	struct smc_wait *w = *at;

	*at = NULL;
	if (w != NULL)
		smc_wait_ready(ss, w, reason);
}

static void ready_remove(struct smc_stack *ss, struct smc_wait *w)
{
	struct smc_wait **at = &ss->ready_head;

	while (*at != NULL && *at != w)
		at = &(*at)->next;
	if (*at == NULL)
		return;
	*at = w->next;
	if (ss->ready_tail == &w->next)
		ss->ready_tail = at;
}

void smc_wait_cancel(struct smc_stack *ss, struct smc_wait *w)
{
	if (w->at == NULL)
		return;
	if (w->at == &ss->ready_head)
		ready_remove(ss, w);
	else
		*w->at = NULL;
	w->at = NULL;
}

void smc_waits_run(struct smc_stack *ss)
{
	struct smc_wait *w;

	while ((w = ss->ready_head) != NULL) {
		ss->ready_head = w->next;
		if (ss->ready_head == NULL)
			ss->ready_tail = &ss->ready_head;
		w->at = NULL;
		w->done(w, w->reason);
	}
}

/* ---- timers ---------------------------------------------------------------- */

void smc_timer_arm(struct smc_stack *ss, struct smc_timer *t, void (*fn)(struct smc_timer *t), uint64_t in_us)
{
	t->ss = ss;
	t->fn = fn;
	wheel_arm(ss->wheel, &t->t, WHEEL_SMC_LLC, smc_now(ss) + in_us);
}

void smc_timer_cancel(struct smc_timer *t)
{
	if (t->ss != NULL && wheel_armed(&t->t))
		wheel_cancel(t->ss->wheel, &t->t);
}

static void timer_fire(void *ctx, struct wheel_timer *wt, uint64_t now_us)
{
	struct smc_timer *t = (struct smc_timer *)((uint8_t *)wt - offsetof(struct smc_timer, t));

	t->fn(t);
	smc_waits_run(ctx);
}

void smc_timer_register(struct smc_stack *ss)
{
	wheel_register(ss->wheel, WHEEL_SMC_LLC, timer_fire, ss);
}
