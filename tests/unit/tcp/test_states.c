/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scenario 78: every state with every kind of segment, by the table of the
 * reference's section 2.5. One scenario a state; each segment meets a
 * connection of its own, freshly brought into the state.
 */
#include <stdio.h>

#include "tests/unit/tcp/scenarios.h"

enum { IN_RST, IN_RST_WINDOW, IN_RST_OUT, IN_SYN, IN_SYN_ACK, IN_FIN, IN_ACK, IN_NULL, IN_OLD_ACK, IN_DATA,
			INPUTS };

/* What comes of one segment. next: the state; NULL: the one it was in. */
struct cell {
	const char *out, *next;
};

/* Paths into states: steps with the flow's number for '#'. */
struct state {
	const char *name;
	const char *enter[12];
	int rcv, snd;                      /* RCV.NXT, SND.NXT, relative */
	struct cell cells[INPUTS];
};

#define OPEN "P#> S 0 w65535 mss1460", "U#> SA 0 a1"
#define ESTABLISH OPEN, "P#> A 1 a1", "ev# accept"

static const struct state states[] = {
	{ "SYN_RECEIVED", { OPEN }, 1, 1, {
		[IN_RST] = { NULL, "-" }, [IN_RST_WINDOW] = { "A 1 a1" }, [IN_RST_OUT] = { NULL },
		[IN_SYN] = { "A|R|RA" }, [IN_SYN_ACK] = { "A 1 a1" }, [IN_FIN] = { "A 1 a2", "CLOSE_WAIT" },
		[IN_ACK] = { NULL, "ESTABLISHED" }, [IN_NULL] = { NULL }, [IN_OLD_ACK] = { "R 1000" },
		[IN_DATA] = { "A 1 a11", "ESTABLISHED" } } },
	{ "ESTABLISHED", { ESTABLISH }, 1, 1, {
		[IN_RST] = { NULL, "CLOSED" }, [IN_RST_WINDOW] = { "A 1 a1" }, [IN_RST_OUT] = { NULL },
		[IN_SYN] = { "A 1 a1" }, [IN_SYN_ACK] = { "A 1 a1" }, [IN_FIN] = { "A 1 a2", "CLOSE_WAIT" },
		[IN_ACK] = { NULL }, [IN_NULL] = { NULL }, [IN_OLD_ACK] = { "A 1 a1" },
			[IN_DATA] = { "A 1 a11" } } },
	{ "FIN_WAIT_1", { ESTABLISH, "app# shutdown", "U#> FA 1 a1" }, 1, 2, {
		[IN_RST] = { NULL, "CLOSED" }, [IN_RST_WINDOW] = { "A 2 a1" }, [IN_RST_OUT] = { NULL },
		[IN_SYN] = { "A 2 a1" }, [IN_SYN_ACK] = { "A 2 a1" }, [IN_FIN] = { "A 2 a2", "TIME_WAIT" },
		[IN_ACK] = { NULL, "FIN_WAIT_2" }, [IN_NULL] = { NULL }, [IN_OLD_ACK] = { "A 2 a1" },
		[IN_DATA] = { "A 2 a11", "FIN_WAIT_2" } } },
	{ "FIN_WAIT_2", { ESTABLISH, "app# shutdown", "U#> FA 1 a1", "P#> A 1 a2" }, 1, 2, {
		[IN_RST] = { NULL, "CLOSED" }, [IN_RST_WINDOW] = { "A 2 a1" }, [IN_RST_OUT] = { NULL },
		[IN_SYN] = { "A 2 a1" }, [IN_SYN_ACK] = { "A 2 a1" }, [IN_FIN] = { "A 2 a2", "TIME_WAIT" },
		[IN_ACK] = { NULL }, [IN_NULL] = { NULL }, [IN_OLD_ACK] = { "A 2 a1" },
			[IN_DATA] = { "A 2 a11" } } },
	{ "CLOSE_WAIT", { ESTABLISH, "P#> FA 1 a1", "U#> A 1 a2" }, 2, 1, {
		[IN_RST] = { NULL, "CLOSED" }, [IN_RST_WINDOW] = { "A 1 a2" }, [IN_RST_OUT] = { NULL },
		[IN_SYN] = { "A 1 a2" }, [IN_SYN_ACK] = { "A 1 a2" }, [IN_FIN] = { "?A 1 a2" },
		[IN_ACK] = { NULL }, [IN_NULL] = { NULL }, [IN_OLD_ACK] = { "A 1 a2" },
			[IN_DATA] = { "A 1 a2" } } },
	{ "CLOSING", { ESTABLISH, "app# shutdown", "U#> FA 1 a1", "P#> FA 1 a1", "U#> A 2 a2" }, 2, 2, {
		[IN_RST] = { NULL, "CLOSED" }, [IN_RST_WINDOW] = { "A 2 a2" }, [IN_RST_OUT] = { NULL },
		[IN_SYN] = { "A 2 a2" }, [IN_SYN_ACK] = { "A 2 a2" }, [IN_FIN] = { "?A 2 a2", "TIME_WAIT" },
		[IN_ACK] = { NULL, "TIME_WAIT" }, [IN_NULL] = { NULL }, [IN_OLD_ACK] = { "A 2 a2" },
		[IN_DATA] = { "?A 2 a2", "TIME_WAIT" } } },
	{ "LAST_ACK", { ESTABLISH, "P#> FA 1 a1", "U#> A 1 a2", "app# close", "U#> FA 1 a2" }, 2, 2, {
		[IN_RST] = { NULL, "-" }, [IN_RST_WINDOW] = { "A 2 a2" }, [IN_RST_OUT] = { NULL },
		[IN_SYN] = { "A 2 a2" }, [IN_SYN_ACK] = { "A 2 a2" }, [IN_FIN] = { NULL, "-" },
		[IN_ACK] = { NULL, "-" }, [IN_NULL] = { NULL }, [IN_OLD_ACK] = { "A 2 a2" },
		[IN_DATA] = { NULL, "-" } } },
	{ "TIME_WAIT", { ESTABLISH, "app# shutdown", "U#> FA 1 a1", "P#> A 1 a2", "P#> FA 1 a2", "U#> A 2 a2",
			 "app# close" }, 2, 2, {
		[IN_RST] = { NULL }, [IN_RST_WINDOW] = { NULL }, [IN_RST_OUT] = { NULL },
		[IN_SYN] = { "A 2 a2" }, [IN_SYN_ACK] = { "A 2 a2" }, [IN_FIN] = { "A 2 a2" },
		[IN_ACK] = { NULL }, [IN_NULL] = { NULL }, [IN_OLD_ACK] = { "?A 2 a2" },
			[IN_DATA] = { "A 2 a2" } } },
};

/* The segment, seen from the state's RCV.NXT and SND.NXT. */
static void input_text(const struct state *s, unsigned in, char *buf, size_t len)
{
	switch (in) {
	case IN_RST: snprintf(buf, len, "R %d", s->rcv); break;
	case IN_RST_WINDOW: snprintf(buf, len, "R %d", s->rcv + 10); break;
	case IN_RST_OUT: snprintf(buf, len, "R %d", s->rcv + 500000); break;
	case IN_SYN: snprintf(buf, len, "S %d", s->rcv); break;
	case IN_SYN_ACK: snprintf(buf, len, "SA %d a%d", s->rcv, s->snd); break;
	case IN_FIN: snprintf(buf, len, "FA %d a%d", s->rcv, s->snd); break;
	case IN_ACK: snprintf(buf, len, "A %d a%d", s->rcv, s->snd); break;
	case IN_NULL: snprintf(buf, len, "null %d", s->rcv); break;
	case IN_OLD_ACK: snprintf(buf, len, "A %d a%d", s->rcv, s->snd + 999); break;
	default: snprintf(buf, len, "A %d:%d a%d", s->rcv, s->rcv + 10, s->snd); break;
	}
}

static void enter(struct script *sc, const struct state *s, unsigned flow)
{
	for (unsigned i = 0; i < RTE_DIM(s->enter) && s->enter[i] != NULL; i++) {
		const char *hash = strchr(s->enter[i], '#');

		script_step(sc, "%.*s%u%s", (int)(hash - s->enter[i]), s->enter[i], flow, hash + 1);
	}
}

static void run_state(struct script *sc, const struct state *s)
{
	for (unsigned in = 0; in < INPUTS && !script_failed(sc); in++) {
		const struct cell *cell = &s->cells[in];
		unsigned flow = in + 1;
		char text[64];

		enter(sc, s, flow);
		script_step(sc, "state%u %s", flow, s->name);
		input_text(s, in, text, sizeof(text));
		script_step(sc, "P%u> %s", flow, text);
		if (cell->out != NULL && cell->out[0] == '?')
			script_step(sc, "U%u?> %s", flow, cell->out + 1);
		else if (cell->out != NULL)
			script_step(sc, "U%u> %s <41ms", flow, cell->out);
		script_step(sc, "U%u> -", flow);
		script_step(sc, "state%u %s", flow, cell->next != NULL ? cell->next : s->name);
	}
}

#define STATE(n) static void state_##n(struct script *sc) { run_state(sc, &states[n]); }
STATE(0) STATE(1) STATE(2) STATE(3) STATE(4) STATE(5) STATE(6) STATE(7)

static const struct scenario list[] = {
	{ "78_SYN_RECEIVED", "L", .fn = state_0 },
	{ "78_ESTABLISHED", "L", .fn = state_1 },
	{ "78_FIN_WAIT_1", "L", .fn = state_2 },
	{ "78_FIN_WAIT_2", "L", .fn = state_3 },
	{ "78_CLOSE_WAIT", "L", .fn = state_4 },
	{ "78_CLOSING", "L", .fn = state_5 },
	{ "78_LAST_ACK", "L", .fn = state_6 },
	{ "78_TIME_WAIT", "L", .fn = state_7 },
};

RUN_TABLE(states, list)
