/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP both ways: echo, port unreachable, errors to their flows (129, 130). */
#include "tests/unit/net/fixture.h"

static struct fix f;
static uint8_t flat[70000];

static void icmp__answers_echo(void)
{
	static const unsigned sizes[] = { 0, 1, 56, 57, 1472 };

	for (unsigned i = 0; i < RTE_DIM(sizes); i++) {
		unsigned len = 8 + sizes[i];

		fix_init(&f, NULL);
		fix_learn(&f, &fix_peer, PEER);
		fix_input(&f, fix_echo(PEER, US, 3 + i, sizes[i]));
		CU_ASSERT_FATAL(f.n_out == 1);
		CU_ASSERT(fix_flat(f.out[0], flat, sizeof(flat)) == 34 + len);
		CU_ASSERT(memcmp(flat, &fix_peer, 6) == 0 && memcmp(flat + 6, &fix_us, 6) == 0);
		CU_ASSERT(ref_ip_ok(flat + 14) && ref_sum(flat + 34, len, 0) == 0xffff);
		CU_ASSERT(flat[22] == 64 && flat[34] == 0 && flat[35] == 0);
		CU_ASSERT(flat[38] == 0x12 && flat[39] == 0x34 && flat[41] == 3 + i);
		for (unsigned k = 0; k < sizes[i]; k++)
			CU_ASSERT(flat[42 + k] == (uint8_t)(k * 7 + 3 + i));
		CU_ASSERT(net_stats(f.st)->tx_echo_reply == 1);
		fix_fini(&f);
	}
}

/* Every checksum value: the incremental update has the zeros right. */
static void icmp__echo_checksum_corner_cases(void)
{
	const struct net_neigh_info info = { .addr = net_addr_v4(PEER), .mac = fix_peer };

	fix_init(&f, NULL);
	CU_ASSERT_FATAL(net_neigh_static(f.st, &info) == 0);
	for (unsigned v = 0; v < 0x10000; v += v < 0x20 || (v > 0xf7e0 && v < 0xf820) || v > 0xffe0 ? 1 : 97) {
		uint8_t l4[10] = { 8 };
		const struct fix_ip h = { .proto = IPPROTO_ICMP };
		uint16_t sum;

		l4[8] = v >> 8;
		l4[9] = v & 0xff;
		sum = ~ref_sum(l4, sizeof(l4), 0);
		l4[2] = sum >> 8;
		l4[3] = sum & 0xff;
		fix_advance(&f, NET_S / 8);
		fix_input(&f, fix_ip(&h, l4, sizeof(l4)));
		CU_ASSERT_FATAL(f.n_out == 1);
		fix_flat(f.out[0], flat, sizeof(flat));
		CU_ASSERT(ref_sum(flat + 34, 10, 0) == 0xffff);
		fix_clear_out(&f);
	}
	fix_fini(&f);
}

static void icmp__echo_options_not_reflected(void)
{
	uint8_t l4[16] = { 8, 0, 0xf7, 0xff };
	const struct fix_ip h = { .proto = IPPROTO_ICMP, .opt = { 7, 7, 4 }, .opt_len = 8 };

	fix_init(&f, NULL);
	fix_learn(&f, &fix_peer, PEER);
	fix_input(&f, fix_ip(&h, l4, sizeof(l4)));
	CU_ASSERT_FATAL(f.n_out == 1);
	CU_ASSERT(fix_flat(f.out[0], flat, sizeof(flat)) == 34 + 16 && flat[14] == 0x45 && ref_ip_ok(flat + 14));
	fix_fini(&f);
}

static void icmp__no_answer_to_broadcast(void)
{
	fix_init(&f, NULL);
	fix_input(&f, fix_echo(PEER, IP(10, 0, 0, 255), 1, 10));
	fix_input(&f, fix_echo(PEER, IP(224, 0, 0, 1), 1, 10));
	CU_ASSERT(f.n_out == 0 && fix_drop(&f, DROP_IP_DST) == 2);
	fix_fini(&f);
}

/* A request in fragments comes back in fragments, whole. */
static void icmp__large_echo(void)
{
	static uint8_t l4[20008], got[20008];
	unsigned seen = 0;
	uint16_t sum, id = 0;

	fix_init(&f, NULL);
	fix_learn(&f, &fix_peer, PEER);
	memset(l4, 0, 8);
	l4[0] = 8;
	for (unsigned i = 8; i < 11008; i++)
		l4[i] = i * 5;
	sum = ~ref_sum(l4, 11008, 0);
	l4[2] = sum >> 8;
	l4[3] = sum & 0xff;
	for (unsigned off = 0; off < 11008; off += 1480 + 296) {
		unsigned len = RTE_MIN(1776u, 11008 - off);
		const struct fix_ip h = { .proto = IPPROTO_ICMP, .id = 3, .split = 700,
					  .frag = off / 8 | (off + len < 11008 ? RTE_IPV4_HDR_MF_FLAG : 0) };

		fix_input(&f, fix_ip(&h, l4 + off, len));
	}
	CU_ASSERT(fix_drops(&f) == 1 && f.n_out == 8); /* 1: the ARP */
	for (unsigned i = 0; i < f.n_out; i++) {
		unsigned n = fix_flat(f.out[i], flat, sizeof(flat)), off = ((flat[20] & 0x1f) << 8 | flat[21]) * 8;

		CU_ASSERT(n <= 1514 && n == 14u + (flat[16] << 8 | flat[17]) && ref_ip_ok(flat + 14));
		CU_ASSERT(((flat[20] & 0x20) != 0) == (off + n - 34 < 11008) && (flat[20] & 0x40) == 0);
		CU_ASSERT(i == 0 || id == (flat[18] << 8 | flat[19]));
		id = flat[18] << 8 | flat[19];
		memcpy(got + off, flat + 34, n - 34);
		seen += n - 34;
	}
	CU_ASSERT(seen == 11008 && got[0] == 0 && ref_sum(got, 11008, 0) == 0xffff);
	CU_ASSERT(memcmp(got + 8, l4 + 8, 11000) == 0);
	fix_fini(&f);
}

/* A clone of the request is being looked at elsewhere: it must not change. */
static void icmp__echo_leaves_shared_data_alone(void)
{
	struct rte_mbuf *m, *clone;

	fix_init(&f, NULL);
	fix_learn(&f, &fix_peer, PEER);
	m = fix_echo(PEER, US, 1, 40);
	clone = rte_pktmbuf_clone(m, fix_ind_pool);
	fix_input(&f, m);
	CU_ASSERT(f.n_out == 1);
	fix_flat(f.out[0], flat, sizeof(flat));
	CU_ASSERT(flat[34] == 0 && rte_pktmbuf_mtod(clone, uint8_t *)[34] == 8);
	rte_pktmbuf_free(clone);
	fix_fini(&f);
}

static void icmp__rate_limits(void)
{
	uint64_t before;

	fix_init(&f, NULL);
	fix_learn(&f, &fix_peer, PEER);
	for (unsigned i = 0; i < 80; i++)
		fix_input(&f, fix_echo(PEER, US, i, 8));
	CU_ASSERT(f.n_out == 51 && fix_drop(&f, DROP_ICMP_RATE) == 29);
	/* One flooder leaves something to others. */
	fix_input(&f, fix_echo(FAR, US, 1, 8));
	CU_ASSERT(net_stats(f.st)->tx_echo_reply == 52);
	before = net_stats(f.st)->tx_echo_reply;
	for (unsigned i = 0; i < 40; i++) { /* 4 s at 500 a second */
		fix_advance(&f, NET_S / 10);
		fix_clear_out(&f);
		for (unsigned k = 0; k < 50; k++)
			fix_input(&f, fix_echo(PEER, US, i, 8));
	}
	before = net_stats(f.st)->tx_echo_reply - before;
	CU_ASSERT(before > 40 * 18 && before <= 40 * 26);
	fix_fini(&f);
}

static void rate_20(struct net_config *conf, struct net_env *env) { conf->icmp_rate = 20; }

static void icmp__rate_of_all(void)
{
	fix_init(&f, rate_20);
	for (unsigned i = 0; i < 100; i++)
		fix_input(&f, fix_echo(IP(198, 51, 100, i + 1), US, 1, 8));
	CU_ASSERT(net_stats(f.st)->tx_echo_reply == 3);
	fix_fini(&f);
}

/* The depth of the bucket is drawn: two seconds do not let the same number pass. */
static void bucket_take__is_not_countable(void)
{
	struct bucket b;
	unsigned seen[101] = { 0 }, kinds = 0;

	fix_init(&f, NULL);
	bucket_init(&b, f.now_us, 100);
	for (unsigned i = 0; i < 200; i++) {
		unsigned n = 0;

		fix_advance(&f, 5 * NET_S);
		while (bucket_take(f.st, &b, 1000, 100))
			n++;
		CU_ASSERT_FATAL(n <= 100 && n >= 74);
		seen[n]++;
	}
	for (unsigned i = 0; i < RTE_DIM(seen); i++)
		kinds += seen[i] > 0;
	CU_ASSERT(kinds > 10);
	fix_fini(&f);
}

static void udp__port_unreachable(void)
{
	uint8_t udp[300] = { 0x30, 0x39, 0, 53, 1, 44 };
	const struct fix_ip h = { .proto = IPPROTO_UDP, .id = 99 };

	fix_init(&f, NULL);
	fix_learn(&f, &fix_peer, PEER);
	fix_input(&f, fix_ip(&h, udp, sizeof(udp)));
	CU_ASSERT_FATAL(f.n_out == 1);
	CU_ASSERT(fix_flat(f.out[0], flat, sizeof(flat)) == 34 + 8 + 128);
	CU_ASSERT(ref_ip_ok(flat + 14) && ref_sum(flat + 34, 136, 0) == 0xffff);
	CU_ASSERT(flat[34] == 3 && flat[35] == 3 && flat[42] == 0x45 && flat[47] == 99 && flat[62] == 0x30);
	CU_ASSERT(fix_drop(&f, DROP_UDP_NO_PORT) == 1);
	for (unsigned i = 0; i < 30; i++)
		fix_input(&f, fix_ip(&h, udp, sizeof(udp)));
	CU_ASSERT(f.n_out == 10);
	fix_fini(&f);
}

static void ip__protocol_unreachable(void)
{
	uint8_t text[20] = { 0x11 };
	const struct fix_ip h = { .proto = 200, .id = 98 };

	fix_init(&f, NULL);
	fix_learn(&f, &fix_peer, PEER);
	fix_input(&f, fix_ip(&h, text, sizeof(text)));
	CU_ASSERT_FATAL(f.n_out == 1);
	CU_ASSERT(fix_flat(f.out[0], flat, sizeof(flat)) == 34 + 8 + 40);
	CU_ASSERT(ref_ip_ok(flat + 14) && ref_sum(flat + 34, 48, 0) == 0xffff);
	CU_ASSERT(flat[34] == 3 && flat[35] == 2 && flat[42] == 0x45 && flat[47] == 98 && flat[62] == 0x11);
	CU_ASSERT(fix_drop(&f, DROP_IP_PROTO) == 1);
	fix_fini(&f);
}

static void udp__no_unreachable_about_fragments_or_broadcast(void)
{
	uint8_t udp[80] = { 0x30, 0x39, 0, 53 };
	const struct fix_ip a = { .proto = IPPROTO_UDP, .frag = RTE_IPV4_HDR_MF_FLAG },
			    b = { .proto = IPPROTO_UDP, .frag = 10 },
			    c = { .proto = IPPROTO_UDP, .dst = IP(10, 0, 0, 255) };

	fix_init(&f, NULL);
	fix_learn(&f, &fix_peer, PEER);
	fix_input(&f, fix_ip(&a, udp, sizeof(udp)));
	fix_input(&f, fix_ip(&b, udp, sizeof(udp)));
	fix_input(&f, fix_ip(&c, udp, sizeof(udp)));
	CU_ASSERT(f.n_out == 0 && fix_drop(&f, DROP_UDP_NO_PORT) == 1 && fix_drop(&f, DROP_IP_DST) == 1);
	fix_fini(&f);
}

/* ---- errors in --------------------------------------------------------------------- */

struct err_case {
	const char *what;
	uint8_t type, code;
	uint16_t mtu, total;         /* next hop's MTU; length of what it is about */
	rte_be32_t qsrc;             /* 0: us */
	uint8_t qproto, qvihl;       /* 0: TCP, 0x45 */
	uint16_t qfrag, len;         /* len: octets of the ICMP message, 0: 36 */
	bool bad_cksum;
	enum net_drop why;
	bool told;
	uint16_t told_mtu;
};

static struct rte_mbuf *icmp_error(const struct err_case *c)
{
	const struct fix_ip h = { .src = IP(192, 0, 2, 1), .proto = IPPROTO_ICMP };
	unsigned len = c->len != 0 ? c->len : 36;
	uint8_t b[200] = { 0 };
	struct rte_ipv4_hdr q = {
		.version_ihl = c->qvihl != 0 ? c->qvihl : 0x45, .total_length = rte_cpu_to_be_16(c->total),
		.fragment_offset = rte_cpu_to_be_16(c->qfrag), .time_to_live = 60,
		.next_proto_id = c->qproto != 0 ? c->qproto : IPPROTO_TCP,
		.src_addr = c->qsrc != 0 ? c->qsrc : US, .dst_addr = FAR,
	};
	const uint8_t ports[8] = { 0, 80, 0x9c, 0x40, 1, 2, 3, 4 };
	uint16_t sum;

	b[0] = c->type;
	b[1] = c->code;
	b[6] = c->mtu >> 8;
	b[7] = c->mtu & 0xff;
	memcpy(b + 8, &q, sizeof(q));
	memcpy(b + 28, ports, sizeof(ports));
	sum = ~ref_sum(b, len, 0);
	b[2] = sum >> 8;
	b[3] = (sum & 0xff) ^ c->bad_cksum;
	return fix_ip(&h, b, len);
}

static void icmp_error__table(void)
{
	static const struct err_case t[] = {
		{ "port", 3, 3, .why = DROP_ICMP_DONE, .told = true },
		{ "host", 3, 1, .why = DROP_ICMP_DONE, .told = true },
		{ "time exceeded", 11, 0, .why = DROP_ICMP_DONE, .told = true },
		{ "parameter", 12, 0, .why = DROP_ICMP_DONE, .told = true },
		{ "frag needed", 3, 4, 1200, 1500, .why = DROP_ICMP_DONE, .told = true, .told_mtu = 1200 },
		{ "MTU 0: plateau", 3, 4, 0, 1500, .why = DROP_ICMP_DONE, .told = true, .told_mtu = 1492 },
		{ "MTU 0, 1492", 3, 4, 0, 1492, .why = DROP_ICMP_DONE, .told = true, .told_mtu = 1006 },
		{ "MTU 68: floor", 3, 4, 68, 1500, .why = DROP_ICMP_DONE, .told = true, .told_mtu = 552 },
		{ "MTU 65535: ignored", 3, 4, 65535, 1500, .why = DROP_ICMP_QUOTE },
		{ "MTU the interface's: ignored", 3, 4, 1500, 1500, .why = DROP_ICMP_QUOTE },
		{ "source quench", 4, 0, .why = DROP_ICMP_TYPE },
		{ "redirect", 5, 1, .why = DROP_ICMP_TYPE },
		{ "echo reply", 0, 0, .why = DROP_ICMP_TYPE },
		{ "timestamp", 13, 0, .why = DROP_ICMP_TYPE },
		{ "type 255", 255, 0, .why = DROP_ICMP_TYPE },
		{ "checksum", 3, 1, .bad_cksum = true, .why = DROP_ICMP_CKSUM },
		{ "7 octets", 3, 1, .len = 7, .why = DROP_ICMP_SHORT },
		{ "no quote", 3, 1, .len = 8, .why = DROP_ICMP_QUOTE },
		{ "header cut", 3, 1, .len = 27, .why = DROP_ICMP_QUOTE },
		{ "7 octets of TCP", 3, 1, .len = 35, .why = DROP_ICMP_QUOTE },
		{ "8 octets behind options missing", 3, 1, .qvihl = 0x46, .why = DROP_ICMP_QUOTE },
		{ "quoted version 6", 3, 1, .qvihl = 0x65, .why = DROP_ICMP_QUOTE },
		{ "quoted IHL 4", 3, 1, .qvihl = 0x44, .why = DROP_ICMP_QUOTE },
		{ "quotes another's packet", 3, 1, .qsrc = PEER, .why = DROP_ICMP_QUOTE },
		{ "quotes a later fragment", 3, 1, .qfrag = 5, .why = DROP_ICMP_QUOTE },
		{ "quotes UDP", 3, 1, .qproto = IPPROTO_UDP, .why = DROP_ICMP_NO_FLOW },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		bool ok;

		fix_init(&f, NULL);
		fix_input(&f, icmp_error(&t[i]));
		ok = fix_drop(&f, t[i].why) == 1 && fix_drops(&f) == 1 && f.n_err == t[i].told && f.n_out == 0 &&
		     f.err.mtu == t[i].told_mtu;
		if (!ok)
			fprintf(stderr, "case: %s\n", t[i].what);
		CU_ASSERT(ok);
		if (t[i].told) {
			CU_ASSERT(f.err.type == t[i].type && f.err.code == t[i].code && f.err.l4_len == 8);
			CU_ASSERT(net_flow_laddr4(&f.err.flow) == US && net_flow_raddr4(&f.err.flow) == FAR);
			CU_ASSERT(f.err.flow.lport == RTE_BE16(80) && f.err.flow.rport == RTE_BE16(40000));
			CU_ASSERT(f.err.flow.family == NET_IPV4 && f.err.l4[7] == 4);
		}
		/* Nothing is lowered before the protocol says so. */
		CU_ASSERT(net_stats(f.st)->pmtu_updates == 0);
		fix_fini(&f);
	}
}

static void icmp_error__refused_is_counted_once(void)
{
	fix_init(&f, NULL);
	f.refuse_error = true;
	fix_input(&f, icmp_error(&(struct err_case){ .type = 3, .code = 1 }));
	CU_ASSERT(f.n_err == 1 && fix_drop(&f, DROP_ICMP_NO_FLOW) == 1 && fix_drops(&f) == 1);
	fix_fini(&f);
}

static bool on_steer(void *ctx, struct rte_mbuf *m, const struct net_flow *flow)
{
	struct fix *x = ctx;

	x->n_steered++;
	x->steered = *flow;
	if (x->steer_away)
		x->in[x->n_in++] = m;
	return x->steer_away;
}

static void steering(struct net_config *conf, struct net_env *env) { env->steer = on_steer; }

static void icmp_error__goes_to_the_flows_lcore(void)
{
	struct rte_mbuf *m;

	fix_init(&f, steering);
	f.steer_away = true;
	fix_input(&f, icmp_error(&(struct err_case){ .type = 3, .code = 1 }));
	CU_ASSERT(f.n_steered == 1 && f.n_err == 0 && f.n_in == 1 && fix_drops(&f) == 0);
	CU_ASSERT(f.steered.lport == RTE_BE16(80) && f.steered.rport == RTE_BE16(40000));
	m = f.in[--f.n_in];
	net_input_steered(f.st, &m, 1);
	CU_ASSERT(f.n_steered == 1 && f.n_err == 1 && fix_drop(&f, DROP_ICMP_DONE) == 1);
	fix_fini(&f);
}

/* A shared identification counter tells strangers what we send to others. */
static void ip_output__identification_is_per_destination(void)
{
	uint16_t id[3][2];

	fix_init(&f, NULL);
	for (unsigned i = 0; i < 3; i++)
		fix_learn(&f, &fix_peer, IP(10, 0, 0, 10 + i));
	for (unsigned k = 0; k < 2; k++) {
		for (unsigned i = 0; i < 3; i++) {
			fix_input(&f, fix_echo(IP(10, 0, 0, 10 + i), US, 1, 8));
			fix_flat(f.out[0], flat, sizeof(flat));
			id[i][k] = flat[18] << 8 | flat[19];
			fix_clear_out(&f);
		}
	}
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT((uint16_t)(id[i][0] + 1) == id[i][1]);
	CU_ASSERT((uint16_t)(id[0][0] + 1) != id[1][0] && (uint16_t)(id[1][0] + 1) != id[2][0]);
	fix_fini(&f);
}

static void icmp__pool_dry(void)
{
	static struct rte_mbuf *hold[4096];
	uint8_t udp[8] = { 0 };
	struct rte_mbuf *m;
	unsigned n = 0;

	fix_init(&f, NULL);
	fix_learn(&f, &fix_peer, PEER);
	m = fix_ip(&(struct fix_ip){ .proto = IPPROTO_UDP }, udp, sizeof(udp));
	while ((hold[n] = rte_pktmbuf_alloc(fix_hdr_pool)) != NULL)
		n++;
	fix_input(&f, m);
	CU_ASSERT(f.n_out == 0 && fix_drop(&f, DROP_TX_NO_MBUF) == 1 && fix_drop(&f, DROP_UDP_NO_PORT) == 1);
	rte_pktmbuf_free_bulk(hold, n);
	fix_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(icmp__answers_echo),
	TEST_CASE(icmp__echo_checksum_corner_cases),
	TEST_CASE(icmp__echo_options_not_reflected),
	TEST_CASE(icmp__no_answer_to_broadcast),
	TEST_CASE(icmp__large_echo),
	TEST_CASE(icmp__echo_leaves_shared_data_alone),
	TEST_CASE(icmp__rate_limits),
	TEST_CASE(icmp__rate_of_all),
	TEST_CASE(bucket_take__is_not_countable),
	TEST_CASE(udp__port_unreachable),
	TEST_CASE(ip__protocol_unreachable),
	TEST_CASE(udp__no_unreachable_about_fragments_or_broadcast),
	TEST_CASE(icmp_error__table),
	TEST_CASE(icmp_error__refused_is_counted_once),
	TEST_CASE(icmp_error__goes_to_the_flows_lcore),
	TEST_CASE(ip_output__identification_is_per_destination),
	TEST_CASE(icmp__pool_dry),
};
TEST_MAIN("net_icmp", cases)
