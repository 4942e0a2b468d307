/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the script runner. */
#ifndef TESTS_SIM_SCRIPT_IMPL_H
#define TESTS_SIM_SCRIPT_IMPL_H

#include "tests/sim/script.h"

#define SCRIPT_EV_ACCEPT (1u << 16)
#define SCRIPT_NONE INT64_MIN

/* A segment as written in a step. */
struct script_seg {
	uint8_t flags, alt_flags;                       /* alternative, "R|RA" */
	bool any_flags, has_seq, has_ack, has_ts, no_ts, no_mss, no_ws, no_sackok, no_smc, no_sack;
	bool sackok, smc, bad_sum, psh, no_psh, has_fill, has_ecr, short_seg;
	int64_t seq, end, ack;
	int64_t win, mss, ws, tsecr, dscp, count, urg;  /* SCRIPT_NONE: not given */
	char win_op;
	uint32_t tsval, ecr;
	unsigned n_sack;
	struct { int64_t start, end; } sack[4];
	uint8_t raw[40], raw_len, fill, doff, ttl;
	uint16_t gso, pad;
	uint64_t at_us, within_us;                      /* SIM_NEVER: not given */
};

struct script_flow {
	bool used, u_known, p_syn_ts, u_syn_ts, ts, connecting;
	unsigned idx;
	uint16_t pport, uport;
	uint32_t p_isn, u_isn, u_isn_old;
	int64_t p_nxt, u_nxt;           /* relative: next of P, highest seen of U */
	unsigned isn_changes;           /* "isn new" has to account for them */
	uint16_t p_win;                 /* field P sends unless told */
	uint8_t u_scale, p_scale;
	bool both_scale;
	uint32_t u_ts_first, u_ts_last; /* U's TSvals */
	uint64_t ts_start_us;
	uint32_t edge;                  /* U's right edge, absolute; valid if has_edge */
	bool has_edge;
	/* application */
	struct tcp_conn *c;
	unsigned events, pending_events;
	uint32_t written, consumed;     /* stream positions */
	unsigned refuse;                /* accepts to refuse */
	enum { ON_READ_NOTHING, ON_READ_READ, ON_READ_WRITE, ON_READ_CLOSE, ON_READ_ABORT } on_read;
	uint32_t on_read_arg;
	uint32_t on_accept_write;
	bool close_on_eof, close_on_closed;
};

/* Something U sent. */
struct script_out {
	struct script_out *next;
	struct wire_frame *frame;
	struct wire_tcp tcp;
	int flow;                       /* -1: none */
	uint64_t at_us;
};

struct script {
	const char *table;
	const struct scenario *sn;
	unsigned variant;
	struct sim *sim;
	struct sim_host *host;
	struct script_flow flows[SCRIPT_FLOWS];
	struct script_out *out, **out_tail;
	struct wire_frame *burst, **burst_tail;
	struct tcp_listener *listener;
	struct tcp_listen_args listen_args;
	struct sim_host_conf conf;
	bool arp_answers, trace, failed;
	unsigned conflicts, buffers_before;
	int step;                       /* index of the present one, below 0: set-up */
	const char *text;               /* of the present step */
	char message[1024];
};

/* script_seg.c */
bool script_seg_parse(struct script *sc, struct script_flow *f, const char *text, bool from_u,
			struct script_seg *s);
struct wire_frame *script_seg_build(struct script *sc, struct script_flow *f, const struct script_seg *s);
/* Why the segment is not the expected one; NULL: it is. buf: room for the text. */
const char *script_seg_mismatch(struct script *sc, struct script_flow *f, const struct script_seg *s,
				const struct wire_tcp *t, char *buf, size_t len);
void script_seg_print(const struct script_flow *f, const struct wire_tcp *t, bool from_u, char *buf,
			size_t len);
/* Rules for every segment of a flow; notes ISN, scale, timestamps, edge. */
void script_seg_note(struct script *sc, struct script_flow *f, const struct wire_tcp *t);
/* First option of the kind; len: whole option. NULL: none. */
const uint8_t *script_opt(const struct wire_tcp *t, uint8_t kind, uint8_t *len);
uint64_t script_time(const char *s, const char **end);  /* "200ms", "1s", "20us", "25d" */

/* script_flow.c: steps that move much data; false if the verb is unknown */
bool script_flow_step(struct script *sc, struct script_flow *f, const char *verb, const char *rest);
/* script.c */
struct script_out *script_await(struct script *sc, struct script_flow *f, uint64_t until);
void script_out_free(struct script_out *o);
void script_discard(struct script *sc);

/* script_app.c: false if the verb is unknown */
bool script_app_step(struct script *sc, struct script_flow *f, const char *verb, const char *rest);
void script_app_event(void *ctx, struct tcp_conn *c, void *user, unsigned events);
int script_app_accept(void *ctx, struct tcp_listener *l, struct tcp_conn *c);

/* script_look.c */
bool script_look_step(struct script *sc, struct script_flow *f, const char *verb, const char *rest);

/* script_setup.c */
bool script_setup(struct script *sc);
void script_teardown(struct script *sc);
/* Virtual time at which U's ISN comes out just below 2^32. */
uint64_t script_wrap_start(const struct scenario *sn);
bool script_set_conf(struct script *sc, const char *text);
const char *const *script_setup_steps(const char *name);

#endif
