/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps that move much data between the scripted peer and U. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/script_impl.h"

#define PATIENCE_US 5000000 /* longer than any timer that may hold data back */

/* Take what U sends until it is quiet; acknowledge each second segment. */
static void sink(struct script *sc, struct script_flow *f, int64_t end)
{
	int64_t acked = -1, next = 0;
	unsigned since = 0;

	while (!sc->failed && acked < end) {
		struct script_out *o = script_await(sc, f, sim_now(sc->sim) + (since > 0 ? 0 : PATIENCE_US));

		if (o == NULL && since == 0) {
			script_fail(sc, "U stopped at %lld", (long long)next);
			return;
		}
		if (o != NULL) {
			int64_t from = (uint32_t)(o->tcp.seq - f->u_isn), to = from + o->tcp.len;

			if (next == 0)
				next = from;
			if (from <= next && to > next)
				next = to;
			script_out_free(o);
			since++;
		}
		if (since >= 2 || o == NULL) {
			char text[96];
			struct wire_frame *ack;

			snprintf(text, sizeof(text), "A %lld a%lld", (long long)f->p_nxt, (long long)next);
			ack = script_frame(sc, f->idx, text);
			sim_inject(sc->host, ack);
			sim_settle(sc->sim);
			acked = next;
			since = 0;
		}
	}
}

/* Full segments up to U's window edge; U's ACKs are used up. */
static void source(struct script *sc, struct script_flow *f, int64_t end)
{
	unsigned idle = 0;

	while (!sc->failed && idle < 3) {
		int64_t edge = RTE_MIN(script_edge(sc, f->idx), end), una;
		struct script_out *o;

		for (unsigned n = 0; n < 10 && f->p_nxt < edge; n++) {
			char text[96];

			snprintf(text, sizeof(text), "A %lld:%lld a%lld", (long long)f->p_nxt,
				 (long long)RTE_MIN(f->p_nxt + 1460, edge), (long long)RTE_MAX(f->u_nxt, 1));
			sim_inject(sc->host, script_frame(sc, f->idx, text));
		}
		sim_settle(sc->sim);
		una = -1;
		while ((o = script_await(sc, f, sim_now(sc->sim) + (una < 0 ? 300000 : 0))) != NULL) {
			una = (uint32_t)(o->tcp.ack - f->p_isn);
			script_out_free(o);
		}
		idle = una < 0 ? idle + 1 : 0;
		if (una >= end)
			return;
	}
	script_fail(sc, "U acknowledges nothing more, P is at %lld, edge is %lld", (long long)f->p_nxt,
		    (long long)script_edge(sc, f->idx));
}

bool script_flow_step(struct script *sc, struct script_flow *f, const char *verb, const char *rest)
{
	if (strcmp(verb, "sink") == 0)
		sink(sc, f, strtoll(rest, NULL, 10));
	else if (strcmp(verb, "source") == 0)
		source(sc, f, strtoll(rest, NULL, 10));
	else
		return false;
	return true;
}
