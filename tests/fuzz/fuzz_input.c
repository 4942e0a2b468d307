/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ethernet to TCP: a host with a listener, an established connection and one
 * that connects. The input is a list of operations: frames, time, calls. Most
 * frames get addresses, checksums and sequence numbers near the right ones, so
 * that they come past the first checks; all the rest is the fuzzer's.
 *
 * Besides what the sanitizers see: every frame the stack sends is checked, and
 * at the end nothing may be left in any pool.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"
#include "tests/unit/test.h"

#define U_ADDR 0x0a000001u
#define P_ADDR 0x0a000002u
#define FLOWS 4
#define OPS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One conversation, as the peer sees it. */
struct flow {
	uint16_t pport, uport;
	uint32_t p_nxt, u_nxt, u_una;   /* absolute: next of ours, next of theirs, what they sent first */
	struct tcp_conn *c;
};

static struct world {
	struct sim *sim;
	struct sim_host *host;
	struct tcp_listener *listener;
	struct flow flows[FLOWS];       /* 0 established, 1 connecting, 2 and 3 to the listener */
	struct wire_frame *burst, **tail;
} w;

/* The fuzzer's octets; zeros behind the end. */
struct input {
	const uint8_t *p;
	size_t left;
};

static uint8_t u8(struct input *in)
{
	if (in->left == 0)
		return 0;
	in->left--;
	return *in->p++;
}

static uint16_t u16(struct input *in) { return (uint16_t)(u8(in) << 8 | u8(in)); }

static void bytes(struct input *in, uint8_t *to, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		to[i] = u8(in);
}

/* ---- the application --------------------------------------------------- */

static void on_event(void *ctx, struct tcp_conn *c, void *user, unsigned events)
{
	if (user == NULL || ((struct flow *)user)->c != c)
		abort();
}

static int on_accept(void *ctx, struct tcp_listener *l, struct tcp_conn *c)
{
	struct tcp_info info;

	tcp_get_info(c, &info);
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow *f = &w.flows[i];

		if (f->c == NULL && f->uport == 80 && rte_be_to_cpu_16(info.flow.rport) == f->pport) {
			f->c = c;
			tcp_set_user(c, f);
			return 0;
		}
	}
	return -EAGAIN;
}

static void do_connect(struct flow *f)
{
	struct tcp_connect_args a = {
		.raddr = sim_addr(P_ADDR), .rport = rte_cpu_to_be_16(f->pport),
			.lport = rte_cpu_to_be_16(f->uport),
		.user = f, .opt = { 6, { 0xfe, 6, 0xe2, 0xd4, 0xc3, 0xd9 } },
	};

	if (f->c == NULL && tcp_connect(sim_tcp(w.host, 0), &a, &f->c) != 0)
		f->c = NULL;
}

static void read_some(struct flow *f, uint16_t n)
{
	struct tcp_piece pieces[8];
	uint8_t buf[4096];
	unsigned k = tcp_peek(f->c, pieces, 8);
	volatile uint8_t sum = 0;

	for (unsigned i = 0; i < k; i++)
		for (uint32_t b = 0; b < pieces[i].len; b++)
			sum += ((const uint8_t *)pieces[i].data)[b];
	(void)sum;
	if ((n & 1) != 0)
		tcp_read(f->c, buf, n % sizeof(buf));
	else
		tcp_consume(f->c, RTE_MIN((uint32_t)n, tcp_readable(f->c)));
	(void)tcp_urgent_mark(f->c);
}

static void take_some(struct flow *f, uint16_t n)
{
	struct rte_mbuf *chain = NULL, *last = NULL;
	unsigned segs;
	uint32_t len = tcp_take(f->c, n, &chain, &segs);

	for (struct rte_mbuf *m = chain; m != NULL; m = m->next)
		last = m;
	if (last == NULL || tcp_give(f->c, chain, len) == 0)
		return;
	while (chain != NULL) {
		struct rte_mbuf *next = chain->next;

		chain->next = NULL;
		rte_pktmbuf_free(chain);
		chain = next;
	}
}

static void end_conn(struct flow *f, bool abortive)
{
	struct tcp_conn *c = f->c;

	f->c = NULL;
	if (abortive)
		tcp_abort(c);
	else
		tcp_close(c);
}

static void call(struct input *in)
{
	static const uint8_t zeros[8192];
	uint8_t what = u8(in);
	uint16_t n = u16(in);
	struct flow *f = &w.flows[what & 3];

	if (f->c == NULL) {
		if (f->uport != 80)
			do_connect(f);
		return;
	}
	switch (what >> 2 & 15) {
	case 0: case 1: (void)tcp_send(f->c, zeros, n % sizeof(zeros)); break;
	case 2: case 3: read_some(f, n); break;
	case 4: take_some(f, n); break;
	case 5: (void)tcp_shutdown(f->c); break;
	case 6: end_conn(f, false); break;
	case 7: end_conn(f, true); break;
	case 8: tcp_cork(f->c, n & 1); break;
	case 9: tcp_nodelay(f->c, n & 1); break;
	case 10: tcp_keepalive(f->c, n & 1); break;
	case 11: tcp_user_timeout(f->c, n); break;
	case 12: tcp_notify_sent(f->c); break;
	case 13: tcp_set_buffers(f->c, n, n); break;
	case 14: tcp_set_dscp(f->c, n & 63); break;
	default: (void)tcp_send_room(f->c); break;
	}
}

/* ---- frames ------------------------------------------------------------ */

static void add(struct wire_frame *f)
{
	*w.tail = f;
	w.tail = &f->next;
}

static void flush(void)
{
	struct wire_frame *list = w.burst;

	w.burst = NULL;
	w.tail = &w.burst;
	sim_inject(w.host, list);
	sim_settle(w.sim);
}

static struct wire_build addressed(void)
{
	return (struct wire_build){
		.smac = sim_mac(2), .dmac = sim_mac(1), .saddr = P_ADDR, .daddr = U_ADDR, .frag = 0x4000,
	};
}

/* A segment near what the connection expects; mods takes that away in parts. */
static void segment(struct input *in, uint8_t op)
{
	struct flow *f = &w.flows[op & 3];
	uint8_t mods = u8(in);
	struct wire_build b = addressed();
	uint8_t payload[1500];
	struct wire_frame *frame;

	b.sport = f->pport;
	b.dport = f->uport;
	b.flags = u8(in);
	b.seq = f->p_nxt + ((mods & 1) != 0 ? (uint32_t)(int16_t)u16(in) : 0);
	b.ack = (b.flags & WIRE_ACK) != 0 ? f->u_nxt + ((mods & 2) != 0 ? (uint32_t)(int16_t)u16(in) : 0) : 0;
	b.win = (mods & 4) != 0 ? u16(in) : 65535;
	b.urg = (mods & 8) != 0 ? u16(in) : 0;
	b.opt_len = (mods & 16) != 0 ? (uint8_t)((u8(in) % 11) * 4) : 0;
	bytes(in, b.opt, b.opt_len);
	b.len = (mods & 32) != 0 ? u16(in) % sizeof(payload) : 0;
	memset(payload, u8(in), b.len);
	b.payload = payload;
	b.doff = (mods & 64) != 0 ? (uint8_t)(u8(in) | 16) : 0;
	b.bad_sum = (mods & 128) != 0 && (u8(in) & 7) == 0;
	if ((mods & 128) != 0) {
		b.tos = u8(in);
		b.ttl = u8(in);
		b.pad = u8(in) & 31;
	}
	frame = wire_tcp_build(&b);
	if ((mods & 1) == 0)
		f->p_nxt += b.len + ((b.flags & WIRE_SYN) != 0) + ((b.flags & WIRE_FIN) != 0);
	add(frame);
}

/* A TCP segment in fragments, whole or not. */
static void fragments(struct input *in)
{
	struct flow *f = &w.flows[u8(in) & 3];
	struct wire_build b = addressed();
	uint8_t payload[800] = { 0 };
	struct wire_frame *whole;
	uint32_t total;

	b.frag = 0;
	b.sport = f->pport;
	b.dport = f->uport;
	b.seq = f->p_nxt;
	b.ack = f->u_nxt;
	b.flags = WIRE_ACK;
	b.len = u16(in) % sizeof(payload);
	b.payload = payload;
	whole = wire_tcp_build(&b);
	total = 20 + b.len;
	for (unsigned n = u8(in) & 7; n > 0; n--) {
		uint32_t from = RTE_MIN((uint32_t)(u8(in) * 8), total & ~7u);
		uint32_t to = RTE_MIN(from + u8(in) * 8u, total);

		add(wire_fragment(whole, from, to, to < total || (u8(in) & 15) == 0));
	}
	wire_free(whole);
}

/* IP with options and any protocol; ICMP gets a right checksum and a quote. */
static void ip_packet(struct input *in)
{
	struct flow *f = &w.flows[u8(in) & 3];
	struct wire_build b = addressed(), quote = { .saddr = U_ADDR, .daddr = P_ADDR, .flags = WIRE_ACK };
	uint8_t kind = u8(in), icmp[36] = { 0 }, raw[256];
	struct wire_frame *q;
	unsigned n;
	uint16_t sum;

	b.ip_opt_len = (uint8_t)((kind >> 4) % 11 * 4);
	bytes(in, b.ip_opt, b.ip_opt_len);
	if ((kind & 1) != 0) {
		n = u8(in);
		bytes(in, raw, n);
		add(wire_ip_build(&b, u8(in), raw, n));
		return;
	}
	quote.sport = f->uport;
	quote.dport = f->pport;
	quote.seq = f->u_nxt - (u8(in) & 1);
	q = wire_tcp_build(&quote);
	memcpy(icmp + 8, q->data + 14, 28);
	wire_free(q);
	icmp[0] = u8(in);
	icmp[1] = u8(in);
	bytes(in, icmp + 4, 4);
	if ((kind & 2) != 0)
		icmp[8 + u8(in) % 28] = u8(in);
	sum = (uint16_t)~wire_fold(wire_sum(icmp, sizeof(icmp), 0));
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	add(wire_ip_build(&b, 1, icmp, sizeof(icmp)));
}

static void arp(struct input *in)
{
	struct rte_ether_addr u = sim_mac(1), p = sim_mac(2 + (u8(in) & 1));
	uint8_t what = u8(in);

	add(wire_arp_build(what & 3, &p, (what & 4) != 0 ? U_ADDR : P_ADDR + (what >> 4), &u,
			   (what & 8) != 0 ? P_ADDR : U_ADDR, &u, 0));
}

static void raw_frame(struct input *in)
{
	unsigned n = 1 + u8(in);
	struct wire_frame *f = wire_alloc(n);
	struct rte_ether_addr u = sim_mac(1);

	bytes(in, f->data, n);
	if (n >= 6 && (f->data[0] & 1) == 0)
		memcpy(f->data, &u, 6);
	add(f);
}

/* ---- what the stack sends ---------------------------------------------- */

static void note(const struct wire_tcp *t)
{
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow *f = &w.flows[i];

		if (t->dport == f->pport && t->sport == f->uport && (t->flags & WIRE_RST) == 0)
			f->u_nxt = t->seq + t->len + ((t->flags & (WIRE_SYN | WIRE_FIN)) != 0);
	}
}

static void tap(void *ctx, struct wire_frame *list)
{
	struct rte_ether_addr u = sim_mac(1), p = sim_mac(2);

	for (struct wire_frame *f = list; f != NULL; f = f->next) {
		struct wire_tcp t;
		uint32_t l3, tip;
		uint16_t vlan;

		if (wire_tcp_parse(f, &t))
			note(&t);
		if (wire_type(f, &l3, &vlan) != 0x0806)
			continue;
		memcpy(&tip, f->data + l3 + 24, 4);
		if (rte_be_to_cpu_32(tip) == P_ADDR && f->data[l3 + 7] == 1)
			sim_inject(w.host, wire_arp_build(2, &p, P_ADDR, &u, U_ADDR, &u, 0));
	}
	wire_free(list);
}

/* ---- one input --------------------------------------------------------- */

static void handshake(struct flow *f, const uint8_t *opt, uint8_t len)
{
	struct wire_build b = addressed();

	b.sport = f->pport;
	b.dport = f->uport;
	b.flags = WIRE_SYN;
	b.seq = f->p_nxt++;
	b.win = 65535;
	b.opt_len = len;
	memcpy(b.opt, opt, len);
	add(wire_tcp_build(&b));
	flush();
	b.opt_len = 0;
	b.flags = WIRE_ACK;
	b.seq = f->p_nxt;
	b.ack = f->u_nxt;
	add(wire_tcp_build(&b));
	flush();
}

static void world_create(uint8_t kind)
{
	static const uint8_t opt[] = { 2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7 };
	struct sim_host_conf conf;
	struct tcp_listen_args la = {
		.port = rte_cpu_to_be_16(80), .backlog = (kind & 1) != 0 ? 1 : 16, .accept = on_accept,
		.opt = { 6, { 0xfe, 6, 0xe2, 0xd4, 0xc3, 0xd9 } },
	};

	memset(&w, 0, sizeof(w));
	w.tail = &w.burst;
	for (unsigned i = 0; i < FLOWS; i++)
		w.flows[i] = (struct flow){ .pport = (uint16_t)(40000 + i), .uport = 80,
			.p_nxt = 0u - 100 * i };
	w.flows[1].uport = 50000;
	w.sim = sim_create(kind, 1000000);
	sim_host_defaults(&conf, 1);
	conf.ops.event = on_event;
	conf.tap = tap;
	conf.tcp.fast_path = (kind & 2) == 0;
	conf.tcp.cookies = (kind & 4) != 0 ? TCP_COOKIES_ALWAYS : TCP_COOKIES_AUTO;
	if ((kind & 8) != 0)
		conf.tcp.rcvbuf_initial = conf.tcp.rcvbuf_max = 4096;
	if ((kind & 16) != 0)
		conf.net.ifs[0].offloads = NET_TX_IP_CKSUM | NET_TX_TCP_CKSUM | NET_TX_TSO | NET_TX_MULTI_SEG;
	conf.tcp.keepalive = (kind & 32) != 0;
	if ((kind & 64) != 0)
		conf.tcp.congestion = "newreno";
	conf.tcp.max_conns = 16;
	conf.tcp.half_open_max = 8;
	conf.tcp.time_wait_max = 4;
	w.host = sim_host_add(w.sim, &conf);
	if (w.host == NULL || tcp_listen(sim_tcp(w.host, 0), &la, &w.listener) != 0)
		abort();
	handshake(&w.flows[0], opt, (kind & 128) != 0 ? 4 : sizeof(opt));
	do_connect(&w.flows[1]);
	sim_settle(w.sim);
}

static void operation(struct input *in)
{
	uint8_t op = u8(in);

	switch (op >> 4) {
	case 0: case 1: case 2: case 3: case 4: case 5: segment(in, op); break;
	case 6: fragments(in); break;
	case 7: ip_packet(in); break;
	case 8: arp(in); break;
	case 9: raw_frame(in); break;
	case 10: case 11: case 12:
		call(in);
		sim_settle(w.sim);
		return;
	case 13:
		flush();
		sim_run(w.sim, sim_now(w.sim) + (1ull << (op & 15)) * 1000);
		return;
	case 14:
		flush();
		sim_run(w.sim, sim_now(w.sim) + (op & 15) * 10000000ull);
		return;
	default:
		flush();
		return;
	}
	if ((op & 8) != 0)
		flush();
}

static void world_destroy(unsigned before)
{
	flush();
	for (unsigned i = 0; i < FLOWS; i++)
		if (w.flows[i].c != NULL)
			end_conn(&w.flows[i], true);
	tcp_unlisten(w.listener);
	sim_settle(w.sim);
	if (!sim_drain(w.sim, 1000000000ull)) {
		fprintf(stderr, "%u connections left\n", sim_objects(w.sim));
		abort();
	}
	if (sim_error(w.sim) != NULL) {
		fprintf(stderr, "%s\n", sim_error(w.sim));
		abort();
	}
	sim_destroy(w.sim);
	if (sim_buffers_used() != before) {
		fprintf(stderr, "%d buffers leaked\n", (int)(sim_buffers_used() - before));
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned before;

	if (size < 2)
		return 0;
	test_eal_init();
	before = sim_buffers_used();
	world_create(u8(&in));
	for (unsigned n = 0; n < OPS_MAX && in.left > 0; n++)
		operation(&in);
	world_destroy(before);
	return 0;
}
