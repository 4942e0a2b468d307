/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/tcp/conn.h"

#define TCP_OPTS_MAX 40

/* Kinds (IANA). 253 and 254: RFC 6994, experiments with an identifier. */
enum { OPT_EOL = 0, OPT_NOP = 1, OPT_MSS = 2, OPT_WSCALE = 3, OPT_SACK_OK = 4, OPT_SACK = 5, OPT_TS = 8,
       OPT_EXP1 = 253, OPT_EXP2 = 254 };

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }

static uint8_t *put16(uint8_t *p, uint16_t v)
{
	*p++ = v >> 8;
	*p++ = v & 0xff;
	return p;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v & 0xffff);
}

static void parse_sack(const uint8_t *p, unsigned len, struct tcp_opts *out)
{
	if (len < 10 || (len - 2) % 8 != 0)
		return;
	out->n_sack = 0;
	for (unsigned off = 2; off < len && out->n_sack < TCP_MAX_SACK; off += 8) {
		out->sack[out->n_sack].start = get32(p + off);
		out->sack[out->n_sack++].end = get32(p + off + 4);
	}
	out->present |= TCP_OPT_SACK;
}

/* NOP, NOP and a user's option of 6 octets as the last one, as SMC's is sent. */
static bool parse_user_last(const uint8_t *p, struct tcp_opts *out)
{
	if (p[1] != OPT_NOP || (p[2] != OPT_EXP1 && p[2] != OPT_EXP2) || p[3] != 6 || out->present & TCP_OPT_USER)
		return false;
	memcpy(out->user.bytes, p + 2, 6);
	out->user.len = 6;
	out->present |= TCP_OPT_USER;
	return true;
}

static void parse_user(const uint8_t *p, unsigned len, struct tcp_opts *out)
{
	if (len > TCP_USER_OPT_MAX) /* its first octets tell what it is; odd stays odd */
		len = TCP_USER_OPT_MAX - len % 2;
	memcpy(out->user.bytes, p, len);
	out->user.len = len;
	out->present |= TCP_OPT_USER;
}

/* One option of known kind; the first of a kind wins, a wrong length is as if
 * it were not there. */
static void parse_one(const uint8_t *p, unsigned len, struct tcp_opts *out)
{
	switch (p[0]) {
	case OPT_MSS:
		if (len == 4 && !(out->present & TCP_OPT_MSS)) {
			out->mss = get16(p + 2);
			out->present |= TCP_OPT_MSS;
		}
		break;
	case OPT_WSCALE:
		if (len == 3 && !(out->present & TCP_OPT_WSCALE)) {
			out->wscale = p[2];
			out->present |= TCP_OPT_WSCALE;
		}
		break;
	case OPT_SACK_OK:
		if (len == 2)
			out->present |= TCP_OPT_SACK_OK;
		break;
	case OPT_SACK:
		if (!(out->present & TCP_OPT_SACK))
			parse_sack(p, len, out);
		break;
	case OPT_TS:
		if (len == 10 && !(out->present & TCP_OPT_TS)) {
			out->tsval = get32(p + 2);
			out->tsecr = get32(p + 6);
			out->present |= TCP_OPT_TS;
		}
		break;
	case OPT_EXP1:
	case OPT_EXP2:
		if (!(out->present & TCP_OPT_USER))
			parse_user(p, len, out);
		break;
	}
}

/* Apart from what nearly every segment takes, which is inlined and wants the registers. */
static __rte_noinline void parse_all(const uint8_t *opt, unsigned len, struct tcp_opts *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned off = 0; off < len;) {
		unsigned olen;

		if (opt[off] == OPT_EOL)
			return;
		if (opt[off] == OPT_NOP) {
			if (len - off == 8 && parse_user_last(opt + off, out))
				return;
			off++;
			continue;
		}
		olen = off + 1 < len ? opt[off + 1] : 0;
		if (olen < 2 || olen > len - off) { /* MUST-7: what was read before it stays */
			out->present |= TCP_OPT_BAD;
			return;
		}
		parse_one(opt + off, olen, out);
		off += olen;
	}
}

void tcp_parse_options(const uint8_t *opt, unsigned len, struct tcp_opts *out)
{
	/* Aligned timestamps alone, as nearly every segment has them (RFC 7323 appendix A). */
	if (len == 12 && memcmp(opt, "\1\1\10\12", 4) == 0) {
		out->present = TCP_OPT_TS;
		out->n_sack = 0;
		out->user.len = 0;
		out->tsval = get32(opt + 4);
		out->tsecr = get32(opt + 8);
		return;
	}
	parse_all(opt, len, out);
}

bool tcp_user_opt_fits(const struct tcp_user_opt *ours, const struct tcp_opts *got)
{
	const struct tcp_user_opt *o = &got->user;

	return (got->present & TCP_OPT_USER) != 0 && ours->len > 2 && o->len >= ours->len &&
	       (o->len - ours->len) % 2 == 0 && o->bytes[0] == ours->bytes[0] &&
	       memcmp(o->bytes + 2, ours->bytes + 2, ours->len - 2) == 0;
}

unsigned tcp_ts_option(uint32_t tsval, uint32_t tsecr, uint8_t *buf)
{
	const rte_be32_t words[3] = { RTE_BE32(0x0101080a), rte_cpu_to_be_32(tsval), rte_cpu_to_be_32(tsecr) };

	memcpy(buf, words, sizeof(words));
	return sizeof(words);
}

unsigned tcp_syn_options(const struct tcp_syn_opts *o, uint8_t *buf)
{
	uint8_t *p = buf;

	*p++ = OPT_MSS;
	*p++ = 4;
	p = put16(p, o->mss);
	if (o->ts) {
		p = put16(p, o->sack ? OPT_SACK_OK << 8 | 2 : OPT_NOP << 8 | OPT_NOP);
		p = put16(p, OPT_TS << 8 | 10);
		p = put32(put32(p, o->tsval), o->tsecr);
	} else if (o->sack) {
		p = put32(p, OPT_NOP << 24 | OPT_NOP << 16 | OPT_SACK_OK << 8 | 2);
	}
	if (o->wscale)
		p = put32(p, OPT_NOP << 24 | OPT_WSCALE << 16 | 3 << 8 | o->shift);
	if (o->user != NULL && o->user->len != 0) { /* at a multiple of 4, with room for whole stores */
		memset(p, OPT_NOP, 4);
		p += -o->user->len & 3;
		memcpy(p, o->user->bytes, sizeof(o->user->bytes));
		p += o->user->len;
	}
	return p - buf;
}

static unsigned conn_syn_options(const struct tcp_conn *c, bool ack, uint8_t *buf)
{
	const struct tcp_config *conf = &c->ts->conf;
	struct tcp_syn_opts o = {
		.mss = tcp_our_mss(c->ts, c->flow.ifx),
		.ts = ack ? (c->flags & TCF_TS) != 0 : conf->timestamps,
		.sack = ack ? (c->flags & TCF_SACK) != 0 : conf->sack,
		.wscale = ack ? (c->flags & TCF_WSCALE) != 0 : conf->window_scaling,
		.shift = tcp_rcv_wscale(c->rcvbuf_max),
		.tsval = tcp_tsval(c),
		.tsecr = ack ? c->ts_recent : 0,
		.user = (c->flags & TCF_NO_OPT) ? NULL : &c->user_opt,
	};

	return tcp_syn_options(&o, buf);
}

unsigned tcp_build_options(struct tcp_conn *c, uint8_t flags, uint8_t *buf)
{
	unsigned n = 0;

	if (flags & RTE_TCP_RST_FLAG) /* RFC 7323 3.2: not needed on a RST; peers do not check it */
		return 0;
	if (flags & RTE_TCP_SYN_FLAG)
		return conn_syn_options(c, flags & RTE_TCP_ACK_FLAG, buf);
	if (c->flags & TCF_TS)
		n = tcp_ts_option(tcp_tsval(c), c->ts_recent, buf);
	if (c->flags & TCF_SACK)
		n += tcp_sack_option(c, buf + n, TCP_OPTS_MAX - n);
	return n;
}
