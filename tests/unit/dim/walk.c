/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/dim/walk.h"

#include <stdio.h>
#include <string.h>

void walk_decide(struct walk *w, struct dim *d, uint64_t bpms, uint64_t ppms, uint64_t epms)
{
	struct dim_rates r = { .bpms = bpms, .ppms = ppms, .epms = epms };
	char word[16];
	int n;

	w->windows++;
	w->changes += dim_decide(d, &r);
	n = snprintf(word, sizeof(word), "%s%c/%u/%u", w->length > 0 ? " " : "", "TPRL"[d->tune & 3],
		     d->index, d->tired);
	if (w->length + n < sizeof(w->text)) {
		memcpy(w->text + w->length, word, n + 1);
		w->length += n;
	}
}

const char *walk_last(const struct walk *w)
{
	const char *space = strrchr(w->text, ' ');

	return space != NULL ? space + 1 : w->text;
}

static uint64_t round_up(double v)
{
	uint64_t n = (uint64_t)v;

	return n + (v - (double)n > 1e-6);
}

void open_loop_window(const struct open_loop *m, unsigned index, uint8_t flags, struct dim_rates *out)
{
	double per = (flags & DIM_FINE) != 0 ? 1000000 : 1000;
	const struct dim_profile *p = &m->profiles[index];
	double rate = m->packets_ms / 1000, n = 1; /* per us; packets an event */

	/* An overloaded receiver takes fewer packets, of which fewer come in an event, and so on. */
	for (unsigned i = 0; i < 200; i++) {
		double most;

		n = rate * p->usecs + 1;
		n = n < p->packets ? n : p->packets;
		most = m->event_us + m->packet_us * n;
		rate = m->packets_ms / 1000;
		if (most > 0 && n / most < rate)
			rate = n / most;
	}
	memset(out, 0, sizeof(*out));
	out->ppms = round_up(per * rate);
	out->bpms = round_up(per * rate * m->octets);
	out->epms = round_up(per * rate / n);
}

void closed_loop_window(const struct dim_profile *profiles, double base_us, unsigned index,
			uint8_t flags, struct dim_rates *out)
{
	double rate = ((flags & DIM_FINE) != 0 ? 1000000 : 1000) / (base_us + profiles[index].usecs);

	memset(out, 0, sizeof(*out));
	out->ppms = out->epms = round_up(rate);
	out->bpms = round_up(100 * rate);
}
