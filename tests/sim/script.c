/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs scenarios: steps, time, and what U sent. */
#include "tests/sim/script.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <CUnit/Basic.h>

#include "tests/sim/script_impl.h"

static unsigned scenarios_run;
static const char *selected;
static bool trace_all;

unsigned script_count(void) { return scenarios_run; }

void script_select(const char *match, bool trace)
{
	selected = match;
	trace_all = trace;
}

/* ---- failure ----------------------------------------------------------- */

static const char *variant_name(unsigned v)
{
	static char buf[64];

	snprintf(buf, sizeof(buf), "%s%s%s", v & SCRIPT_SLOW ? "slow path" : "fast path",
		 v & SCRIPT_WRAP ? ", sequence wrap" : "", v & SCRIPT_OFFLOAD ? ", offloads" : "");
	return buf;
}

void script_fail(struct script *sc, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	if (sc->failed)
		return;
	sc->failed = true;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(sc->message, sizeof(sc->message), "%s/%s [%s] %s %d \"%s\" at %.6f s: %s", sc->table,
		sc->sn->name,
		 variant_name(sc->variant), sc->step < 0 ? "set-up step" : "step",
		 sc->step < 0 ? sc->step + 1000 : sc->step + 1, sc->text != NULL ? sc->text : "",
		 (double)sim_now(sc->sim) / 1e6, what);
}

bool script_failed(const struct script *sc) { return sc->failed; }
struct sim *script_sim(struct script *sc) { return sc->sim; }
struct sim_host *script_host(struct script *sc) { return sc->host; }
struct tcp_conn *script_conn(struct script *sc, unsigned flow) { return sc->flows[flow].c; }
uint32_t script_p_isn(const struct script *sc, unsigned flow) { return sc->flows[flow].p_isn; }
uint32_t script_u_isn(const struct script *sc, unsigned flow) { return sc->flows[flow].u_isn; }

static void settle(struct script *sc)
{
	sim_settle(sc->sim);
	if (sim_error(sc->sim) != NULL)
		script_fail(sc, "%s", sim_error(sc->sim));
}

/* ---- what U sends ------------------------------------------------------ */

static int find_flow(const struct script *sc, const struct wire_tcp *t)
{
	for (int i = 0; i < SCRIPT_FLOWS; i++)
		if (t->daddr == SCRIPT_P && t->saddr == SCRIPT_U && sc->flows[i].pport == t->dport &&
		    sc->flows[i].uport == t->sport)
			return i;
	return -1;
}

static bool answer_arp(struct script *sc, const struct wire_frame *f)
{
	struct rte_ether_addr p = sim_mac(2), u = sim_mac(1);
	uint32_t l3, tip;
	uint16_t vlan;

	if (wire_type(f, &l3, &vlan) != 0x0806 || !sc->arp_answers)
		return false;
	memcpy(&tip, f->data + l3 + 24, 4);
	if (f->data[l3 + 7] != 1 || rte_be_to_cpu_32(tip) != SCRIPT_P)
		return false;
	sim_inject(sc->host, wire_arp_build(2, &p, SCRIPT_P, &u, SCRIPT_U, &u, vlan));
	return true;
}

static void trace_frame(struct script *sc, const struct script_out *o)
{
	char buf[256] = "no segment of a flow";

	if (!sc->trace)
		return;
	if (o->flow >= 0)
		script_seg_print(&sc->flows[o->flow], &o->tcp, true, buf, sizeof(buf));
	printf("  %10.6f U%d> %s\n", (double)o->at_us / 1e6, o->flow + 1, buf);
}

void script_tap(void *ctx, struct wire_frame *list);
void script_tap(void *ctx, struct wire_frame *list)
{
	struct script *sc = ctx;

	while (list != NULL) {
		struct wire_frame *f = list;
		struct script_out *o;

		list = f->next;
		f->next = NULL;
		if (answer_arp(sc, f)) {
			wire_free(f);
			continue;
		}
		o = calloc(1, sizeof(*o));
		if (o == NULL)
			abort();
		o->frame = f;
		o->flow = -1;
		o->at_us = sim_now(sc->sim);
		if (wire_tcp_parse(f, &o->tcp))
			o->flow = find_flow(sc, &o->tcp);
		if (o->flow >= 0)
			script_seg_note(sc, &sc->flows[o->flow], &o->tcp);
		trace_frame(sc, o);
		*sc->out_tail = o;
		sc->out_tail = &o->next;
	}
}

static struct script_out *take_out(struct script *sc, int flow)
{
	for (struct script_out **p = &sc->out; *p != NULL; p = &(*p)->next) {
		struct script_out *o = *p;

		if (o->flow != flow)
			continue;
		*p = o->next;
		if (sc->out_tail == &o->next)
			sc->out_tail = p;
		return o;
	}
	return NULL;
}

void script_out_free(struct script_out *o)
{
	wire_free(o->frame);
	free(o);
}

struct wire_frame *script_other(struct script *sc)
{
	struct script_out *o = take_out(sc, -1);
	struct wire_frame *f;

	if (o == NULL)
		return NULL;
	f = o->frame;
	free(o);
	return f;
}

void script_discard(struct script *sc)
{
	while (sc->out != NULL) {
		struct script_out *o = sc->out;

		sc->out = o->next;
		script_out_free(o);
	}
	sc->out_tail = &sc->out;
}

int64_t script_edge(const struct script *sc, unsigned flow)
{
	return (uint32_t)(sc->flows[flow].edge - sc->flows[flow].p_isn);
}

/* Nothing that U sent is left unexplained. */
static void expect_silence(struct script *sc)
{
	char buf[256] = "a frame that is no segment of a flow";

	if (sc->out == NULL || sc->failed)
		return;
	if (sc->out->flow >= 0)
		script_seg_print(&sc->flows[sc->out->flow], &sc->out->tcp, true, buf, sizeof(buf));
	script_fail(sc, "U sent at %.6f s, unexpectedly: U%d> %s", (double)sc->out->at_us / 1e6,
		sc->out->flow + 1, buf);
}

/* ---- steps ------------------------------------------------------------- */

static void send_burst(struct script *sc)
{
	struct wire_frame *list = sc->burst;

	sc->burst = NULL;
	sc->burst_tail = &sc->burst;
	sim_inject(sc->host, list);
	settle(sc);
}

void script_inject(struct script *sc, struct wire_frame *list)
{
	expect_silence(sc);
	sim_inject(sc->host, list);
	settle(sc);
}

struct wire_frame *script_frame(struct script *sc, unsigned flow, const char *text)
{
	struct script_seg s;

	sc->flows[flow].used = true;
	if (!script_seg_parse(sc, &sc->flows[flow], text, false, &s))
		return NULL;
	return script_seg_build(sc, &sc->flows[flow], &s);
}

/* Send the burst. A segment that leaves nothing behind is counted as dropped or
 * as consumed. */
static void count_once(struct script *sc, const struct wire_frame *only)
{
	uint64_t before = script_drops(sc);
	struct wire_tcp t;
	bool counted = only != NULL && wire_tcp_parse(only, &t) && t.len == 0 && (t.flags & WIRE_FIN) == 0;

	send_burst(sc);
	if (counted && script_drops(sc) == before)
		script_fail(sc, "the segment was counted under no reason");
}

static void step_send(struct script *sc, struct script_flow *f, const char *text, bool more)
{
	struct wire_frame *frame;
	struct wire_tcp t;
	char buf[256];

	if (sc->burst == NULL)
		expect_silence(sc);
	frame = script_frame(sc, f->idx, text);
	if (frame == NULL)
		return;
	if (sc->trace && wire_tcp_parse(frame, &t)) {
		script_seg_print(f, &t, false, buf, sizeof(buf));
		printf("  %10.6f P%u> %s\n", (double)sim_now(sc->sim) / 1e6, f->idx + 1, buf);
	}
	*sc->burst_tail = frame;
	sc->burst_tail = &frame->next;
	if (!more)
		count_once(sc, frame == sc->burst && !sc->failed ? frame : NULL);
}

static void pass_time(struct script *sc, uint64_t until)
{
	while (!sc->failed && sim_now(sc->sim) < until) {
		sim_step(sc->sim, until);
		if (sim_error(sc->sim) != NULL)
			script_fail(sc, "%s", sim_error(sc->sim));
	}
}

struct script_out *script_await(struct script *sc, struct script_flow *f, uint64_t until)
{
	struct script_out *o = take_out(sc, (int)f->idx);

	while (o == NULL && !sc->failed && sim_now(sc->sim) < until) {
		sim_step(sc->sim, until);
		if (sim_error(sc->sim) != NULL)
			script_fail(sc, "%s", sim_error(sc->sim));
		o = take_out(sc, (int)f->idx);
	}
	return o;
}

/* A run of segments that follow on one another: "n" of the step. */
static void collect(struct script *sc, struct script_flow *f, const struct script_seg *s,
			struct script_out *o)
{
	uint32_t next = o->tcp.seq + o->tcp.len, end = f->u_isn + (uint32_t)s->end;
	unsigned n = 1;

	script_out_free(o);
	while (next != end) {
		o = take_out(sc, (int)f->idx);
		if (o == NULL) {
			script_fail(sc, "U stopped after %u segments at %d", n, (int)(next - f->u_isn));
			return;
		}
		if (o->tcp.seq != next || o->tcp.len == 0 || (int32_t)(end - next - o->tcp.len) < 0)
			script_fail(sc, "segment %u is %d:%d, expected to begin at %d", n + 1,
				    (int)(o->tcp.seq - f->u_isn), (int)(o->tcp.seq + o->tcp.len - f->u_isn),
				    (int)(next - f->u_isn));
		next = o->tcp.seq + o->tcp.len;
		n++;
		script_out_free(o);
		if (sc->failed)
			return;
	}
	if (s->count != 0 && n != s->count)
		script_fail(sc, "%u segments instead of %d", n, (int)s->count);
}

static void compare(struct script *sc, struct script_flow *f, const struct script_seg *s,
			struct script_out *o)
{
	char got[256], why[64];
	const char *bad = script_seg_mismatch(sc, f, s, &o->tcp, why, sizeof(why));

	if (bad != NULL) {
		script_seg_print(f, &o->tcp, true, got, sizeof(got));
		script_fail(sc, "%s differs: got \"%s\"", bad, got);
	}
	if (s->count != SCRIPT_NONE && !sc->failed)
		collect(sc, f, s, o);
	else
		script_out_free(o);
}

static void step_expect(struct script *sc, struct script_flow *f, const char *text, bool optional)
{
	uint64_t start = sim_now(sc->sim), until = start, slack;
	struct script_seg s;
	struct script_out *o;

	if (!script_seg_parse(sc, f, text, true, &s))
		return;
	slack = s.at_us != SIM_NEVER ? s.at_us / 32 + 2000 : 0;
	if (s.at_us != SIM_NEVER)
		until = start + s.at_us + slack;
	else if (s.within_us != SIM_NEVER)
		until = start + s.within_us;
	o = script_await(sc, f, until);
	if (o == NULL) {
		if (!optional)
			script_fail(sc, "U sent nothing");
		return;
	}
	if (s.at_us != SIM_NEVER && o->at_us + slack < start + s.at_us)
		script_fail(sc, "U sent after %.3f ms, too early", (double)(o->at_us - start) / 1e3);
	compare(sc, f, &s, o);
}

static void step_silence(struct script *sc, const char *rest)
{
	const char *end = rest;

	expect_silence(sc);
	while (*rest == ' ')
		rest++;
	if (*rest == '\0')
		return;
	pass_time(sc, sim_now(sc->sim) + script_time(rest, &end));
	if (*end != '\0')
		script_fail(sc, "bad time");
	expect_silence(sc);
}

static void step_wait(struct script *sc, const char *rest)
{
	const char *end;
	uint64_t t = script_time(rest, &end);

	if (*end != '\0' || end == rest) {
		script_fail(sc, "bad time");
		return;
	}
	expect_silence(sc);
	pass_time(sc, sim_now(sc->sim) + t);
}

static void step_isn(struct script *sc, struct script_flow *f)
{
	if (f->isn_changes != 1 || f->u_isn - f->u_isn_old < 65537 || (int32_t)(f->u_isn - f->u_isn_old) < 0)
		script_fail(sc, "ISN changed %u times, by %d", f->isn_changes,
			(int)(f->u_isn - f->u_isn_old));
	f->isn_changes = 0;
	f->written = f->consumed = 0;
}

static void step_rebase(struct script_flow *f, long by)
{
	f->p_isn += (uint32_t)by;
	f->p_nxt = f->u_nxt = 0;
	f->has_edge = false;
}

static bool step_harness(struct script *sc, struct script_flow *f, const char *verb, const char *rest)
{
	if (strcmp(verb, "wait") == 0)
		step_wait(sc, rest);
	else if (strcmp(verb, "arp") == 0)
		sc->arp_answers = strcmp(rest, "on") == 0;
	else if (strcmp(verb, "isn") == 0)
		step_isn(sc, f);
	else if (strcmp(verb, "discard") == 0)
		script_discard(sc);
	else if (strcmp(verb, "rebase") == 0)
		step_rebase(f, strtol(rest, NULL, 10));
	else
		return false;
	return true;
}

/* The flow a word names: "P2>" is flow 1. */
static struct script_flow *flow_of(struct script *sc, char *word)
{
	char *d = word;
	unsigned n = 1;

	while (*d != '\0' && !isdigit((unsigned char)*d))
		d++;
	if (*d != '\0') {
		char *e;

		n = (unsigned)strtoul(d, &e, 10);
		memmove(d, e, strlen(e) + 1);
	}
	return n >= 1 && n <= SCRIPT_FLOWS ? &sc->flows[n - 1] : NULL;
}

static void run_step(struct script *sc, const char *text)
{
	struct script_flow *f;
	char word[16];
	int n = 0;

	sc->text = text;
	if (sc->trace)
		printf("  %10.6f    -- %s\n", (double)sim_now(sc->sim) / 1e6, text);
	if (sscanf(text, "%15s %n", word, &n) != 1 || (f = flow_of(sc, word)) == NULL) {
		script_fail(sc, "not a step");
		return;
	}
	if (strcmp(word, "P>") == 0 || strcmp(word, "P+") == 0)
		step_send(sc, f, text + n, word[1] == '+');
	else if (strcmp(word, "U>") == 0 && text[n] == '-' && (text[n + 1] == '\0' || text[n + 1] == ' '))
		step_silence(sc, text + n + 1);
	else if (strcmp(word, "U>") == 0)
		step_expect(sc, f, text + n, false);
	else if (strcmp(word, "U?>") == 0)
		step_expect(sc, f, text + n, true);
	else if (!step_harness(sc, f, word, text + n) && !script_flow_step(sc, f, word, text + n) &&
		 !script_app_step(sc, f, word, text + n) &&
		 !script_look_step(sc, f, word, text + n))
		script_fail(sc, "unknown step");
	if (sim_error(sc->sim) != NULL)
		script_fail(sc, "%s", sim_error(sc->sim));
}

void script_step(struct script *sc, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (sc->failed)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sc->step++;
	run_step(sc, text);
	sc->text = NULL;
}

/* ---- a scenario -------------------------------------------------------- */

static void run_steps(struct script *sc)
{
	const char *const *setup = script_setup_steps(sc->sn->setup);

	if (setup == NULL) {
		script_fail(sc, "unknown set-up %s", sc->sn->setup);
		return;
	}
	for (sc->step = -999; *setup != NULL && !sc->failed; sc->step++)
		run_step(sc, *setup++);
	sc->step = 0;
	for (; !sc->failed && sc->step < SCRIPT_STEPS && sc->sn->steps[sc->step] != NULL; sc->step++)
		run_step(sc, sc->sn->steps[sc->step]);
	sc->text = NULL;
	if (sc->sn->fn != NULL && !sc->failed)
		sc->sn->fn(sc);
}

static bool run_scenario(const char *table, const struct scenario *sn, unsigned variant)
{
	struct script *sc = calloc(1, sizeof(*sc));
	bool ok;

	if (sc == NULL)
		abort();
	sc->table = table;
	sc->sn = sn;
	sc->variant = variant;
	sc->trace = trace_all;
	sc->out_tail = &sc->out;
	sc->burst_tail = &sc->burst;
	if (sc->trace)
		printf("%s/%s [%s]\n", table, sn->name, variant_name(variant));
	if (script_setup(sc))
		run_steps(sc);
	expect_silence(sc);
	script_teardown(sc);
	ok = !sc->failed;
	if (!ok)
		fprintf(stderr, "%s\n", sc->message);
	free(sc);
	return ok;
}

void script_run_table(const char *table, const struct scenario *list, unsigned n)
{
	static const unsigned variants[] = { 0, SCRIPT_SLOW, SCRIPT_WRAP, SCRIPT_OFFLOAD,
		SCRIPT_SLOW | SCRIPT_WRAP };

	for (unsigned i = 0; i < n; i++) {
		bool ok = true;

		if (selected != NULL && strstr(list[i].name, selected) == NULL)
			continue;
		scenarios_run++;
		for (unsigned v = 0; v < RTE_DIM(variants) && ok; v++)
			if ((variants[v] & list[i].skip) == 0)
				ok = run_scenario(table, &list[i], variants[v]);
		CU_assertImplementation(ok, (unsigned)i, list[i].name, table, "", CU_FALSE);
	}
}
