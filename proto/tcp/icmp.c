/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about our segments. Anybody can forge one, so it counts only if
 * the sequence number it quotes is in flight (RFC 5927), and even then it ends
 * nothing but a connection attempt.
 */
#include <errno.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"

enum { ICMP_UNREACH = 3, ICMP_TIME_EXCEEDED = 11, ICMP_PARAMETER = 12 };
enum { UNREACH_PROTOCOL = 2, UNREACH_PORT = 3, UNREACH_FRAG = 4 };

static int error_of(uint8_t type, uint8_t code)
{
	static const uint8_t unreach[] = {
		ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT, ECONNREFUSED, EMSGSIZE, EOPNOTSUPP, ENETUNREACH, EHOSTDOWN,
		ENONET, ENETUNREACH, EHOSTUNREACH, ENETUNREACH, EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH,
	};

	if (type == ICMP_UNREACH)
		return code < RTE_DIM(unreach) ? unreach[code] : EHOSTUNREACH;
	return type == ICMP_PARAMETER ? EPROTO : EHOSTUNREACH;
}

/* RFC 9293 3.9.2.2: 0, 1, 5 and time exceeded must not abort; the attempt goes on. */
static bool ends_attempt(uint8_t type, uint8_t code)
{
	return type == ICMP_UNREACH && code != 0 && code != 1 && code != 5 && code != UNREACH_FRAG;
}

static struct net_addr peer_of(const struct net_flow *f)
{
	struct net_addr a = { .family = f->family };

	memcpy(a.b, f->raddr, 16);
	return a;
}

void tcp_pmtu_check(struct tcp_conn *c)
{
	struct net_addr dst = peer_of(&c->flow);

	c->pmtu_gen = c->ts->pmtu_gen;
	if (net_path_mtu(c->ts->net, &c->path, &dst) >= 40u + c->snd_mss + (c->flags & TCF_TS ? 12 : 0))
		return;
	c->ts->stats.pmtu_lowered++;
	if (c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECEIVED)
		tcp_update_mss(c);
	else
		tcp_snd_pmtu(c);
}

/* Some destination's: each connection looks for itself when it next sends, so
 * that a message costs the same however many there are. */
void tcp_pmtu_changed(void *ctx, const struct net_addr *dst, uint16_t mtu)
{
	((struct tcp_stack *)ctx)->pmtu_gen++;
}

static void conn_error(struct tcp_conn *c, uint8_t type, uint8_t code, uint16_t mtu, uint32_t seq)
{
	struct net_addr dst = peer_of(&c->flow);
	struct tcp_stack *ts = c->ts;

	if (seq_lt(seq, c->snd_una) || seq_ge(seq, c->snd_nxt)) {
		net_drop_count(ts->drops, DROP_ICMP_QUOTE);
		return;
	}
	if (type == ICMP_UNREACH && code == UNREACH_FRAG) {
		net_pmtu_update(ts->net, &dst, mtu);
		tcp_pmtu_check(c);
		return;
	}
	c->soft_error = error_of(type, code);
	if (c->state == TCP_SYN_SENT && ends_attempt(type, code))
		tcp_kill(c, c->soft_error);
}

/* No error ends a half-open entry (10.3: in SYN-SENT only): it may be forged,
 * and the entry's own timer is short. A path MTU is worth knowing already. */
static void half_error(struct tcp_stack *ts, const struct tcp_half_open *h, uint8_t type, uint8_t code,
		       uint16_t mtu, uint32_t seq)
{
	struct net_addr dst = peer_of(&h->flow);

	if (seq != h->iss)
		net_drop_count(ts->drops, DROP_ICMP_QUOTE);
	else if (type == ICMP_UNREACH && code == UNREACH_FRAG)
		net_pmtu_update(ts->net, &dst, mtu);
}

void tcp_icmp_error(void *ctx, const struct net_flow *flow, uint8_t type, uint8_t code, uint16_t mtu,
		    const uint8_t *l4, unsigned l4_len)
{
	struct tcp_stack *ts = ctx;
	struct net_flow f = *flow;
	uint32_t ref, seq;

	if (type != ICMP_UNREACH && type != ICMP_TIME_EXCEEDED && type != ICMP_PARAMETER)
		return; /* source quench (RFC 6633) and redirects mean nothing to TCP */
	if (l4_len < 8) {
		net_drop_count(ts->drops, DROP_ICMP_QUOTE);
		return;
	}
	f.vlan = net_if_get(ts->net, f.ifx)->vlan;
	ref = tcp_table_find(ts->table, &f, tcp_hash(ts, &f));
	memcpy(&seq, l4 + 4, 4);
	seq = rte_be_to_cpu_32(seq);
	if (ref != 0 && tcp_ref_kind(ref) == TCP_KIND_CONN)
		conn_error(pool_at(&ts->conns, tcp_ref_index(ref)), type, code, mtu, seq);
	else if (ref != 0 && tcp_ref_kind(ref) == TCP_KIND_HALF)
		half_error(ts, pool_at(&ts->half_opens, tcp_ref_index(ref)), type, code, mtu, seq);
	else /* nothing of ours is in flight in TIME-WAIT */
		net_drop_count(ts->drops, DROP_ICMP_NO_FLOW);
}
