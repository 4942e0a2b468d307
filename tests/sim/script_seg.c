/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments of scripts: read from text, built, compared, printed. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/script_impl.h"

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void set32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

uint8_t script_pattern(bool from_u, uint32_t pos)
{
	uint32_t h = (pos + (from_u ? 0x51ed : 0)) * 2654435761u;

	return (uint8_t)(h >> 24 ^ h >> 13);
}

uint64_t script_time(const char *s, const char **end)
{
	char *e;
	double v = strtod(s, &e);

	if (strncmp(e, "us", 2) == 0)
		e += 2;
	else if (strncmp(e, "ms", 2) == 0)
		v *= 1e3, e += 2;
	else if (*e == 's')
		v *= 1e6, e++;
	else if (*e == 'm')
		v *= 60e6, e++;
	else if (*e == 'd')
		v *= 86400e6, e++;
	else
		e = (char *)(uintptr_t)s;
	if (end != NULL)
		*end = e;
	return (uint64_t)v;
}

/* ---- text -------------------------------------------------------------- */

static bool parse_flags(const char *w, struct script_seg *s)
{
	static const char letters[] = "FSRPAUEC";

	if (strcmp(w, "null") == 0)
		return true;
	if (strcmp(w, "*") == 0) {
		s->any_flags = true;
		return true;
	}
	for (uint8_t *to = &s->flags; *w != '\0'; w++) {
		const char *l = strchr(letters, *w);

		if (*w == '|') {
			to = &s->alt_flags;
			continue;
		}
		if (l == NULL)
			return false;
		*to |= (uint8_t)(1u << (l - letters));
	}
	if (s->alt_flags == 0)
		s->alt_flags = s->flags;
	return true;
}

static bool prefixed(const char *w, const char *prefix, int64_t *v)
{
	size_t n = strlen(prefix);
	char *e;

	if (strncmp(w, prefix, n) != 0 || (!isdigit((unsigned char)w[n]) && w[n] != '-'))
		return false;
	*v = strtoll(w + n, &e, 0);
	return *e == '\0';
}

static bool parse_ranges(const char *w, struct script_seg *s)
{
	while (*w != '\0' && s->n_sack < 4) {
		char *e;

		s->sack[s->n_sack].start = strtoll(w, &e, 10);
		if (*e != ':')
			return false;
		s->sack[s->n_sack++].end = strtoll(e + 1, &e, 10);
		w = *e == ',' ? e + 1 : e;
		if (*e != ',' && *e != '\0')
			return false;
	}
	return *w == '\0';
}

static bool parse_hex(const char *w, struct script_seg *s)
{
	unsigned v;

	for (; sscanf(w, "%2x", &v) == 1 && s->raw_len < sizeof(s->raw); w += 2)
		s->raw[s->raw_len++] = (uint8_t)v;
	return *w == '\0';
}

static bool parse_flag_word(const char *w, struct script_seg *s)
{
	const struct { const char *word; bool *to; } words[] = {
		{ "sackok", &s->sackok }, { "smc", &s->smc }, { "badsum", &s->bad_sum },
			{ "nots", &s->no_ts },
		{ "nomss", &s->no_mss }, { "nows", &s->no_ws }, { "nosackok", &s->no_sackok },
		{ "nosmc", &s->no_smc }, { "nosack", &s->no_sack }, { "psh", &s->psh },
			{ "nopsh", &s->no_psh },
	};

	for (unsigned i = 0; i < RTE_DIM(words); i++) {
		if (strcmp(w, words[i].word) == 0) {
			*words[i].to = true;
			return true;
		}
	}
	return false;
}

static bool parse_ts(struct script_flow *f, const char *w, struct script_seg *s)
{
	char *e;

	s->has_ts = true;
	s->tsval = (uint32_t)strtoull(w, &e, 0);
	s->ecr = f->u_ts_last;
	if (*e != ':')
		return *e == '\0';
	if (e[1] == 'u')  /* relative to U's first */
		s->ecr = f->u_ts_first + (uint32_t)strtoll(e + 2, &e, 0);
	else
		s->ecr = (uint32_t)strtoull(e + 1, &e, 0);
	return *e == '\0';
}

static bool parse_number_word(const char *w, struct script_seg *s)
{
	int64_t v;

	if (prefixed(w, "a", &s->ack))
		return s->has_ack = true;
	if (prefixed(w, "w", &s->win) || prefixed(w, "w<", &s->win) || prefixed(w, "w>", &s->win)) {
		s->win_op = isdigit((unsigned char)w[1]) ? '=' : w[1];
		return true;
	}
	if (prefixed(w, "mss", &s->mss) || prefixed(w, "ws", &s->ws) || prefixed(w, "tsecr", &s->tsecr) ||
	    prefixed(w, "dscp", &s->dscp) || prefixed(w, "n", &s->count) || prefixed(w, "urg", &s->urg))
		return true;
	if (prefixed(w, "gso", &v))
		s->gso = (uint16_t)v;
	else if (prefixed(w, "ttl", &v))
		s->ttl = (uint8_t)v;
	else if (prefixed(w, "doff", &v))
		s->doff = (uint8_t)(v | 16); /* so that 0 can be asked for */
	else if (prefixed(w, "pad", &v))
		s->pad = (uint16_t)v;
	else
		return false;
	return true;
}

static bool parse_word(struct script_flow *f, const char *w, struct script_seg *s)
{
	const char *e;

	if (isdigit((unsigned char)*w) || *w == '-') {
		char *p;

		s->seq = s->end = strtoll(w, &p, 10);
		if (*p == ':')
			s->end = strtoll(p + 1, &p, 10);
		s->has_seq = true;
		return *p == '\0' && s->end >= s->seq;
	}
	if (*w == '@' || *w == '<') {
		*(*w == '@' ? &s->at_us : &s->within_us) = script_time(w + 1, &e);
		return *e == '\0' && e > w + 1;
	}
	if (parse_flag_word(w, s) || parse_number_word(w, s))
		return true;
	if (strncmp(w, "ts", 2) == 0 && isdigit((unsigned char)w[2]))
		return parse_ts(f, w + 2, s);
	if (strncmp(w, "sack", 4) == 0)
		return parse_ranges(w + 4, s);
	if (strncmp(w, "opt=", 4) == 0)
		return parse_hex(w + 4, s);
	if (strncmp(w, "fill", 4) == 0) {
		s->has_fill = true;
		s->fill = (uint8_t)strtoul(w + 4, NULL, 16);
		return true;
	}
	return false;
}

bool script_seg_parse(struct script *sc, struct script_flow *f, const char *text, bool from_u,
			struct script_seg *s)
{
	char buf[256], *save = NULL, *w;

	*s = (struct script_seg){
		.win = SCRIPT_NONE, .mss = SCRIPT_NONE, .ws = SCRIPT_NONE, .tsecr = SCRIPT_NONE,
			.dscp = SCRIPT_NONE,
		.count = SCRIPT_NONE, .urg = SCRIPT_NONE, .at_us = SIM_NEVER, .within_us = SIM_NEVER,
	};
	snprintf(buf, sizeof(buf), "%s", text);
	w = strtok_r(buf, " ", &save);
	if (w == NULL || !parse_flags(w, s)) {
		script_fail(sc, "bad flags in step");
		return false;
	}
	while ((w = strtok_r(NULL, " ", &save)) != NULL) {
		if (!parse_word(f, w, s)) {
			script_fail(sc, "bad word '%s' in step", w);
			return false;
		}
	}
	if (s->has_ack && !from_u && (s->flags & WIRE_RST) == 0)
		s->flags |= WIRE_ACK;
	return true;
}

/* ---- building ---------------------------------------------------------- */

static unsigned put_sack(struct script_flow *f, const struct script_seg *s, uint8_t *o)
{
	unsigned n = 0;

	if (s->n_sack == 0)
		return 0;
	o[n++] = 1;
	o[n++] = 1;
	o[n++] = 5;
	o[n++] = (uint8_t)(2 + 8 * s->n_sack);
	for (unsigned i = 0; i < s->n_sack; i++, n += 8) {
		set32(o + n, f->u_isn + (uint32_t)s->sack[i].start);
		set32(o + n + 4, f->u_isn + (uint32_t)s->sack[i].end);
	}
	return n;
}

static unsigned put_ts(struct script *sc, struct script_flow *f, const struct script_seg *s, uint8_t *o)
{
	uint32_t val = s->tsval, ecr = s->ecr;

	if (!s->has_ts) {
		if (!f->ts || s->no_ts || (s->flags & (WIRE_RST | WIRE_SYN)) != 0)
			return 0;
		val = 1000 + (uint32_t)((sim_now(sc->sim) - f->ts_start_us) / 1000);
		ecr = f->u_ts_last;
	}
	o[0] = 1;
	o[1] = 1;
	o[2] = 8;
	o[3] = 10;
	set32(o + 4, val);
	set32(o + 8, ecr);
	return 12;
}

static unsigned put_options(struct script *sc, struct script_flow *f, const struct script_seg *s,
			uint8_t o[64])
{
	static const uint8_t smc[] = { 1, 1, 0xfe, 6, 0xe2, 0xd4, 0xc3, 0xd9 };
	unsigned n = 0;

	if (s->mss != SCRIPT_NONE) {
		memcpy(o, (uint8_t[]){ 2, 4, (uint8_t)(s->mss >> 8), (uint8_t)s->mss }, 4);
		n = 4;
	}
	if (s->sackok) {
		memcpy(o + n, (uint8_t[]){ 1, 1, 4, 2 }, 4);
		n += 4;
	}
	n += put_ts(sc, f, s, o + n);
	if (s->ws != SCRIPT_NONE) {
		memcpy(o + n, (uint8_t[]){ 1, 3, 3, (uint8_t)s->ws }, 4);
		n += 4;
	}
	n += put_sack(f, s, o + n);
	if (s->smc) {
		memcpy(o + n, smc, sizeof(smc));
		n += sizeof(smc);
	}
	if (n + s->raw_len > 40) {
		script_fail(sc, "options do not fit");
		return 0;
	}
	memcpy(o + n, s->raw, s->raw_len);
	n += s->raw_len;
	while (n % 4 != 0)
		o[n++] = 1;
	return n;
}

static void note_sent_syn(struct script *sc, struct script_flow *f, const struct script_seg *s,
			const uint8_t *opt,
			  unsigned len)
{
	struct wire_tcp t = { .opt = opt, .opt_len = (uint8_t)len };

	f->p_syn_ts = script_opt(&t, 8, NULL) != NULL;
	f->ts = f->p_syn_ts && f->u_syn_ts;
	f->p_scale = s->ws == SCRIPT_NONE ? 0 : (uint8_t)RTE_MIN(s->ws, 14);
	f->both_scale = s->ws != SCRIPT_NONE;
	f->ts_start_us = sim_now(sc->sim);
}

struct wire_frame *script_seg_build(struct script *sc, struct script_flow *f, const struct script_seg *s)
{
	uint32_t len = (uint32_t)(s->end - s->seq);
	uint32_t first = (uint32_t)s->seq - ((s->flags & WIRE_SYN) != 0 ? 0 : 1); /* position in the stream */
	uint8_t *payload = malloc(len + 1);
	uint8_t opt[64];
	struct wire_build b = {
		.smac = sim_mac(2), .dmac = sim_mac(1), .saddr = SCRIPT_P, .daddr = SCRIPT_U, .frag = 0x4000,
		.sport = f->pport, .dport = f->uport, .seq = f->p_isn + (uint32_t)s->seq, .flags = s->flags,
		.ack = s->has_ack ? f->u_isn + (uint32_t)s->ack : 0, .doff = s->doff, .ttl = s->ttl,
			.len = len,
		.tos = s->dscp == SCRIPT_NONE ? 0 : (uint8_t)(s->dscp << 2),
		.payload = payload, .pad = s->pad, .bad_sum = s->bad_sum, .vlan = sim_if(sc->host)->vlan,
	};
	struct wire_frame *frame;

	if (payload == NULL)
		abort();
	for (uint32_t i = 0; i < len; i++)
		payload[i] = s->has_fill ? s->fill : script_pattern(false, first + i);
	if (s->win != SCRIPT_NONE)
		f->p_win = (uint16_t)s->win;
	b.win = f->p_win;
	if (s->urg != SCRIPT_NONE) {
		b.urg = (uint16_t)s->urg;
		b.flags |= WIRE_URG;
	}
	b.opt_len = (uint8_t)put_options(sc, f, s, opt);
	memcpy(b.opt, opt, b.opt_len);
	f->p_nxt = RTE_MAX(f->p_nxt, s->end + ((s->flags & WIRE_SYN) != 0) + ((s->flags & WIRE_FIN) != 0));
	if ((s->flags & WIRE_SYN) != 0 && (!f->u_known || b.opt_len > 0))
		note_sent_syn(sc, f, s, opt, b.opt_len);
	frame = wire_tcp_build(&b);
	frame->gso = s->gso;
	frame->partial = s->gso != 0;
	free(payload);
	return frame;
}

/* ---- comparing --------------------------------------------------------- */

const uint8_t *script_opt(const struct wire_tcp *t, uint8_t kind, uint8_t *len)
{
	for (unsigned i = 0; i < t->opt_len && t->opt[i] != 0;) {
		if (t->opt[i] == 1) {
			i++;
			continue;
		}
		if (i + 1 >= t->opt_len || t->opt[i + 1] < 2 || i + t->opt[i + 1] > t->opt_len)
			return NULL;
		if (t->opt[i] == kind) {
			if (len != NULL)
				*len = t->opt[i + 1];
			return t->opt + i;
		}
		i += t->opt[i + 1];
	}
	return NULL;
}

static bool opt_value(const struct wire_tcp *t, uint8_t kind, int64_t want)
{
	uint8_t len;
	const uint8_t *o = script_opt(t, kind, &len);

	if (want == SCRIPT_NONE)
		return true;
	return o != NULL && want == (len == 4 ? o[2] << 8 | o[3] : o[2]);
}

static bool sack_matches(const struct script_flow *f, const struct script_seg *s, const struct wire_tcp *t)
{
	uint8_t len;
	const uint8_t *o = script_opt(t, 5, &len);

	if (s->no_sack)
		return o == NULL;
	if (s->n_sack == 0)
		return true;
	if (o == NULL || len != 2 + 8 * s->n_sack)
		return false;
	for (unsigned i = 0; i < s->n_sack; i++)
		if (be32(o + 2 + 8 * i) != f->p_isn + (uint32_t)s->sack[i].start ||
		    be32(o + 6 + 8 * i) != f->p_isn + (uint32_t)s->sack[i].end)
			return false;
	return true;
}

static const char *options_mismatch(const struct script_flow *f, const struct script_seg *s,
			const struct wire_tcp *t)
{
	const uint8_t *ts = script_opt(t, 8, NULL);

	if (!opt_value(t, 2, s->mss) || (s->no_mss && script_opt(t, 2, NULL) != NULL))
		return "MSS option";
	if (!opt_value(t, 3, s->ws) || (s->no_ws && script_opt(t, 3, NULL) != NULL))
		return "window scale option";
	if ((s->sackok && script_opt(t, 4, NULL) == NULL) || (s->no_sackok && script_opt(t, 4, NULL) != NULL))
		return "SACK-permitted option";
	if ((s->smc && script_opt(t, 254, NULL) == NULL) || (s->no_smc && script_opt(t, 254, NULL) != NULL))
		return "SMC option";
	if ((s->has_ts && ts == NULL) || (s->no_ts && ts != NULL))
		return "timestamps option";
	if (s->tsecr != SCRIPT_NONE && (ts == NULL || be32(ts + 6) != (uint32_t)s->tsecr))
		return "TSecr";
	return sack_matches(f, s, t) ? NULL : "SACK blocks";
}

static bool window_matches(const struct script_seg *s, const struct wire_tcp *t)
{
	if (s->win == SCRIPT_NONE)
		return true;
	if (s->win_op == '<')
		return t->win < s->win;
	if (s->win_op == '>')
		return t->win > s->win;
	return t->win == s->win;
}

const char *script_seg_mismatch(struct script *sc, struct script_flow *f, const struct script_seg *s,
				const struct wire_tcp *t, char *buf, size_t len)
{
	const char *why = NULL;
	uint32_t seq_len = t->len, base = f->u_isn;

	if (!f->u_known && (t->flags & (WIRE_RST | WIRE_ACK)) == (WIRE_RST | WIRE_ACK))
		base = 0; /* of a closed port: sequence number 0 as such */
	if (!s->any_flags && ((t->flags ^ s->flags) & (uint8_t)~WIRE_PSH) != 0 &&
	    ((t->flags ^ s->alt_flags) & (uint8_t)~WIRE_PSH) != 0)
		why = "flags";
	else if ((s->psh && (t->flags & WIRE_PSH) == 0) || (s->no_psh && (t->flags & WIRE_PSH) != 0))
		why = "PSH";
	else if (s->has_seq && t->seq != base + (uint32_t)s->seq)
		why = "sequence number";
	else if (s->has_seq && s->count == SCRIPT_NONE && seq_len != (uint32_t)(s->end - s->seq))
		why = "length";
	else if (s->has_ack && t->ack != f->p_isn + (uint32_t)s->ack)
		why = "acknowledgement number";
	else if ((t->flags & WIRE_ACK) == 0 && t->ack != 0)
		why = "acknowledgement number without ACK";
	else if (!window_matches(s, t))
		why = "window";
	else if (s->dscp != SCRIPT_NONE && t->tos >> 2 != s->dscp)
		why = "DSCP";
	else
		why = options_mismatch(f, s, t);
	if (why == NULL)
		return NULL;
	snprintf(buf, len, "%s", why);
	return buf;
}

/* ---- printing ---------------------------------------------------------- */

static size_t print_options(const struct script_flow *f, const struct wire_tcp *t, bool from_u, char *buf,
			size_t len)
{
	size_t n = 0;
	uint8_t ol;
	const uint8_t *o;

	if ((o = script_opt(t, 2, NULL)) != NULL)
		n += (size_t)snprintf(buf + n, len - n, " mss%u", o[2] << 8 | o[3]);
	if (script_opt(t, 4, NULL) != NULL)
		n += (size_t)snprintf(buf + n, len - n, " sackok");
	if ((o = script_opt(t, 8, NULL)) != NULL)
		n += (size_t)snprintf(buf + n, len - n, " ts%u:%u", be32(o + 2), be32(o + 6));
	if ((o = script_opt(t, 3, NULL)) != NULL)
		n += (size_t)snprintf(buf + n, len - n, " ws%u", o[2]);
	if (script_opt(t, 254, NULL) != NULL)
		n += (size_t)snprintf(buf + n, len - n, " smc");
	if ((o = script_opt(t, 5, &ol)) != NULL)
		for (unsigned i = 0; i < (ol - 2u) / 8; i++) {
			uint32_t base = from_u ? f->p_isn : f->u_isn;

			n += (size_t)snprintf(buf + n, len - n, "%s%d:%d", i == 0 ? " sack" : ",",
					      (int)(be32(o + 2 + 8 * i) - base),
					      (int)(be32(o + 6 + 8 * i) - base));
		}
	return n;
}

void script_seg_print(const struct script_flow *f, const struct wire_tcp *t, bool from_u, char *buf,
			size_t len)
{
	static const char letters[] = "FSRPAUEC";
	uint32_t sbase = from_u ? f->u_isn : f->p_isn, abase = from_u ? f->p_isn : f->u_isn;
	char flags[9];
	size_t n = 0;

	for (unsigned i = 0; i < 8; i++)
		if ((t->flags & (1u << i)) != 0)
			flags[n++] = letters[i];
	flags[n] = '\0';
	n = (size_t)snprintf(buf, len, "%s %d", n > 0 ? flags : "null", (int)(t->seq - sbase));
	if (t->len > 0)
		n += (size_t)snprintf(buf + n, len - n, ":%d", (int)(t->seq + t->len - sbase));
	if ((t->flags & WIRE_ACK) != 0)
		n += (size_t)snprintf(buf + n, len - n, " a%d", (int)(t->ack - abase));
	n += (size_t)snprintf(buf + n, len - n, " w%u", t->win);
	print_options(f, t, from_u, buf + n, len - n);
}

/* ---- rules for every segment ------------------------------------------- */

static void note_syn(struct script_flow *f, const struct wire_tcp *t)
{
	const uint8_t *ws = script_opt(t, 3, NULL), *ts = script_opt(t, 8, NULL);

	if (f->u_known && t->seq != f->u_isn) {
		f->isn_changes++;
		f->u_isn_old = f->u_isn;
	}
	f->u_isn = t->seq;
	f->u_known = true;
	f->u_syn_ts = ts != NULL;
	f->ts = f->p_syn_ts && f->u_syn_ts;
	f->u_scale = ws != NULL ? ws[2] : 0;
	if (ws == NULL)
		f->both_scale = false;
	f->has_edge = false;
}

static void note_edge(struct script *sc, struct script_flow *f, const struct wire_tcp *t)
{
	bool scaled = (t->flags & WIRE_SYN) == 0 && f->both_scale;
	uint32_t edge = t->ack + ((uint32_t)t->win << (scaled ? f->u_scale : 0));

	if ((t->flags & (WIRE_ACK | WIRE_RST)) != WIRE_ACK)
		return;
	if (f->has_edge && (int32_t)(edge - f->edge) < 0 && (t->flags & WIRE_SYN) == 0)
		script_fail(sc, "right window edge moved left by %d", (int)(f->edge - edge));
	f->edge = edge;
	f->has_edge = true;
}

void script_seg_note(struct script *sc, struct script_flow *f, const struct wire_tcp *t)
{
	const uint8_t *ts = script_opt(t, 8, NULL);

	if (t->vlan != sim_if(sc->host)->vlan)
		script_fail(sc, "VLAN tag is %u", t->vlan);
	if ((t->flags & WIRE_SYN) != 0)
		note_syn(f, t);
	if (ts != NULL) {
		f->u_ts_last = be32(ts + 2);
		if ((t->flags & WIRE_SYN) != 0 && f->u_ts_first == 0)
			f->u_ts_first = f->u_ts_last;
	}
	if ((t->flags & (WIRE_SYN | WIRE_RST)) == 0 && f->ts != (ts != NULL) && f->u_known)
		script_fail(sc, "%s", f->ts ? "no timestamps although negotiated" : "timestamps not negotiated");
	if (f->u_known && (t->flags & WIRE_RST) == 0)
		f->u_nxt = RTE_MAX(f->u_nxt, (int64_t)(uint32_t)(t->seq - f->u_isn) + t->len +
					     ((t->flags & (WIRE_SYN | WIRE_FIN)) != 0));
	for (uint32_t i = 0; i < t->len; i++) {
		uint32_t pos = t->seq - f->u_isn - 1 + i;

		if (t->payload[i] != script_pattern(true, pos)) {
			script_fail(sc, "octet %u of the stream U sends is wrong", pos);
			break;
		}
	}
	note_edge(sc, f, t);
}
