/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/net/fixture.h"

#include <stdlib.h>
#include <string.h>

#define POOL_SIZE 2047

struct rte_mempool *fix_hdr_pool, *fix_ind_pool;
const struct rte_ether_addr fix_us = { { 0x02, 0, 0, 0, 0, 0x01 } };
const struct rte_ether_addr fix_peer = { { 0x02, 0, 0, 0, 0, 0x02 } };
const struct rte_ether_addr fix_other = { { 0x02, 0, 0, 0, 0, 0x03 } };
const struct rte_ether_addr fix_all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

static void pools_init(void)
{
	test_eal_init();
	if (fix_hdr_pool != NULL)
		return;
	fix_hdr_pool = rte_pktmbuf_pool_create("fix_hdr", POOL_SIZE, 0, NET_MBUF_PRIV_SIZE,
					       2048 + RTE_PKTMBUF_HEADROOM, SOCKET_ID_ANY);
	fix_ind_pool = rte_pktmbuf_pool_create("fix_ind", POOL_SIZE, 0, NET_MBUF_PRIV_SIZE, 0, SOCKET_ID_ANY);
	CU_ASSERT_FATAL(fix_hdr_pool != NULL && fix_ind_pool != NULL);
}

/* ---- environment ------------------------------------------------------------ */

static void env_tx(void *ctx, const struct net_if *ifp, struct rte_mbuf *m, enum net_tx_class cls)
{
	struct fix *f = ctx;

	CU_ASSERT_FATAL(f->n_out < FIX_OUT_MAX);
	f->out_ifx[f->n_out] = ifp->ifx;
	f->out[f->n_out++] = m;
}

static unsigned env_tx_room(void *ctx, const struct net_if *ifp) { return 17; }

static void env_random(void *ctx, void *buf, size_t len)
{
	static uint64_t seed = 1;
	uint8_t *p = buf;

	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)test_random(&seed);
}

static void env_conflict(void *ctx, const struct net_if *ifp, const struct net_addr *addr,
			 const struct rte_ether_addr *mac)
{
	((struct fix *)ctx)->n_conflict++;
}

static void proto_input(void *ctx, struct rte_mbuf **pkts, unsigned n)
{
	struct fix *f = ctx;

	f->n_groups++;
	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_FATAL(f->n_in < FIX_OUT_MAX);
		f->in[f->n_in++] = pkts[i];
	}
}

static void proto_error(void *ctx, const struct net_flow *flow, uint8_t type, uint8_t code, uint16_t mtu,
			const uint8_t *l4, unsigned l4_len)
{
	struct fix *f = ctx;

	f->n_err++;
	f->err.flow = *flow;
	f->err.type = type;
	f->err.code = code;
	f->err.mtu = mtu;
	f->err.l4_len = RTE_MIN(l4_len, (unsigned)sizeof(f->err.l4));
	memcpy(f->err.l4, l4, f->err.l4_len);
	if (f->refuse_error)
		net_drop_count(net_stats(f->st), DROP_ICMP_NO_FLOW);
}

static void proto_pmtu(void *ctx, const struct net_addr *dst, uint16_t mtu)
{
	((struct fix *)ctx)->n_pmtu++;
	((struct fix *)ctx)->pmtu = mtu;
}

static void proto_unreachable(void *ctx, uint32_t neigh)
{
	((struct fix *)ctx)->n_unreachable++;
}

static void config_default(struct net_config *c)
{
	*c = (struct net_config){
		.n_ifs = 2, .n_routes = 1, .neigh_owner = true, .node = -1,
		.hdr_pool = fix_hdr_pool, .ind_pool = fix_ind_pool,
	};
	for (unsigned i = 0; i < 2; i++) {
		struct net_if *ifp = &c->ifs[i];

		ifp->ifx = i;
		ifp->port = FIX_PORT;
		ifp->mtu = 1500;
		ifp->vlan = i * 100;
		ifp->mac = fix_us;
		ifp->n_addrs = 1;
		ifp->addrs[0].addr = net_addr_v4(i == 0 ? US : US_VLAN);
		ifp->addrs[0].prefix_len = 24;
	}
	c->routes[0] = (struct net_route){ .prefix = net_addr_v4(0), .via = net_addr_v4(GATEWAY) };
}

void fix_init(struct fix *f, void (*tweak)(struct net_config *conf, struct net_env *env))
{
	const struct net_proto tcp = {
		.ctx = f, .input = proto_input, .error = proto_error, .pmtu = proto_pmtu,
		.unreachable = proto_unreachable,
	};
	struct net_env env = {
		.ctx = f, .tx = env_tx, .tx_room = env_tx_room, .random = env_random, .conflict = env_conflict,
	};

	pools_init();
	memset(f, 0, sizeof(*f));
	f->now_us = 5 * NET_S;
	wheel_init(&f->wheel, f->now_us);
	config_default(&f->conf);
	if (tweak != NULL)
		tweak(&f->conf, &env);
	CU_ASSERT_FATAL(net_stack_create(&f->st, &f->conf, &env, &f->wheel, f->now_us) == 0);
	net_stack_register(f->st, IPPROTO_TCP, &tcp);
}

void fix_clear_out(struct fix *f)
{
	rte_pktmbuf_free_bulk(f->out, f->n_out);
	rte_pktmbuf_free_bulk(f->in, f->n_in);
	f->n_out = 0;
	f->n_in = 0;
	f->n_groups = 0;
}

void fix_fini(struct fix *f)
{
	fix_clear_out(f);
	net_stack_destroy(f->st);
	CU_ASSERT(f->wheel.armed == 0);
	CU_ASSERT(rte_mempool_in_use_count(fix_hdr_pool) == 0);
	CU_ASSERT(rte_mempool_in_use_count(fix_ind_pool) == 0);
}

void fix_advance(struct fix *f, uint64_t us)
{
	f->now_us += us;
	net_set_now(f->st, f->now_us);
	while (wheel_advance(&f->wheel, f->now_us, 1000) > 0)
		;
}

void fix_input(struct fix *f, struct rte_mbuf *m)
{
	CU_ASSERT_FATAL(m != NULL);
	net_input(f->st, FIX_PORT, &m, 1);
}

uint64_t fix_drop(const struct fix *f, enum net_drop why)
{
	return net_stats(f->st)->drop[why];
}

uint64_t fix_drops(const struct fix *f)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < NET_DROP_MAX; i++)
		sum += fix_drop(f, i);
	return sum;
}

/* ---- frames -------------------------------------------------------------------- */

struct rte_mbuf *fix_raw(const void *data, unsigned len, unsigned split)
{
	struct rte_mbuf *head = NULL, *last = NULL;
	unsigned done = 0;

	if (split == 0)
		split = 2048;
	do {
		struct rte_mbuf *m = rte_pktmbuf_alloc(fix_hdr_pool);
		unsigned part = RTE_MIN(split, len - done);

		CU_ASSERT_FATAL(m != NULL);
		memcpy(rte_pktmbuf_append(m, part), (const uint8_t *)data + done, part);
		done += part;
		if (head == NULL) {
			head = m;
		} else {
			last->next = m;
			head->nb_segs++;
			head->pkt_len += part;
		}
		last = m;
	} while (done < len);
	return head;
}

unsigned fix_flat(const struct rte_mbuf *m, uint8_t *buf, unsigned size)
{
	unsigned n = 0;

	for (const struct rte_mbuf *s = m; s != NULL; s = s->next) {
		CU_ASSERT_FATAL(n + s->data_len <= size);
		memcpy(buf + n, rte_pktmbuf_mtod(s, const uint8_t *), s->data_len);
		n += s->data_len;
	}
	CU_ASSERT(n == m->pkt_len);
	return n;
}

static unsigned put_eth(uint8_t *p, const struct rte_ether_addr *dst, uint16_t vlan, uint16_t type)
{
	const struct net_if ifp = { .mac = fix_peer, .vlan = vlan };

	return net_eth_header(&ifp, dst, type, p);
}

struct rte_mbuf *fix_ip(const struct fix_ip *h, const void *l4, unsigned l4_len)
{
	static uint8_t frame[70000];
	unsigned l2 = put_eth(frame, h->mac_dst != NULL ? h->mac_dst : &fix_us, h->vlan, RTE_ETHER_TYPE_IPV4);
	unsigned hlen = sizeof(struct rte_ipv4_hdr) + h->opt_len;
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(frame + l2);

	memset(ip, 0, sizeof(*ip));
	ip->version_ihl = (h->version != 0 ? h->version : 4) << 4 | (h->ihl != 0 ? h->ihl - 1 : (int)hlen / 4);
	ip->type_of_service = h->tos;
	ip->total_length = rte_cpu_to_be_16(h->total != 0 ? h->total - 1 : (int)(hlen + l4_len));
	ip->packet_id = rte_cpu_to_be_16(h->id);
	ip->fragment_offset = rte_cpu_to_be_16(h->frag);
	ip->time_to_live = h->ttl == 0 ? 64 : h->ttl - 1;
	ip->next_proto_id = h->proto != 0 ? h->proto : IPPROTO_TCP;
	ip->src_addr = h->src != 0 ? h->src : PEER;
	ip->dst_addr = h->dst != 0 ? h->dst : US;
	memcpy(ip + 1, h->opt, h->opt_len);
	ip->hdr_checksum = rte_cpu_to_be_16((uint16_t)~ref_sum((const uint8_t *)ip, hlen, 0));
	ip->hdr_checksum ^= h->bad_cksum;
	memcpy(frame + l2 + hlen, l4, l4_len);
	memset(frame + l2 + hlen + l4_len, 0xee, h->pad);
	return fix_raw(frame, l2 + hlen + l4_len + h->pad, h->split);
}

struct rte_mbuf *fix_arp(uint16_t op, const struct rte_ether_addr *sha, rte_be32_t sip, rte_be32_t tip,
			 const struct rte_ether_addr *eth_dst)
{
	struct { struct rte_ether_hdr eth; struct rte_arp_hdr arp; uint8_t pad[18]; } f = {
		.eth = { .dst_addr = *eth_dst, .src_addr = *sha, .ether_type = RTE_BE16(RTE_ETHER_TYPE_ARP) },
		.arp = { .arp_hardware = RTE_BE16(1), .arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4), .arp_hlen = 6,
			 .arp_plen = 4, .arp_opcode = rte_cpu_to_be_16(op),
			 .arp_data = { .arp_sha = *sha, .arp_sip = sip, .arp_tha = *eth_dst, .arp_tip = tip } },
	};

	return fix_raw(&f, sizeof(f), 0);
}

struct rte_mbuf *fix_echo(rte_be32_t src, rte_be32_t dst, uint16_t seq, unsigned data_len)
{
	static uint8_t buf[70000];
	struct rte_icmp_hdr *icmp = (struct rte_icmp_hdr *)buf;
	const struct fix_ip h = { .src = src, .dst = dst, .proto = IPPROTO_ICMP };

	memset(icmp, 0, sizeof(*icmp));
	icmp->icmp_type = 8;
	icmp->icmp_ident = RTE_BE16(0x1234);
	icmp->icmp_seq_nb = rte_cpu_to_be_16(seq);
	for (unsigned i = 0; i < data_len; i++)
		buf[sizeof(*icmp) + i] = (uint8_t)(i * 7 + seq);
	icmp->icmp_cksum = rte_cpu_to_be_16((uint16_t)~ref_sum(buf, sizeof(*icmp) + data_len, 0));
	return fix_ip(&h, buf, sizeof(*icmp) + data_len);
}

void fix_learn(struct fix *f, const struct rte_ether_addr *mac, rte_be32_t v4)
{
	fix_input(f, fix_arp(RTE_ARP_OP_REQUEST, mac, v4, US, &fix_all));
	fix_clear_out(f);
}

struct rte_mbuf *fix_segment(rte_be32_t src, rte_be32_t dst, unsigned payload)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(fix_hdr_pool);
	struct { struct rte_ipv4_hdr ip; struct rte_tcp_hdr tcp; } h = {
		.ip = { .version_ihl = RTE_IPV4_VHL_DEF, .time_to_live = 64, .next_proto_id = IPPROTO_TCP,
			.fragment_offset = RTE_BE16(RTE_IPV4_HDR_DF_FLAG), .src_addr = src, .dst_addr = dst,
			.total_length = rte_cpu_to_be_16(sizeof(h) + payload) },
		.tcp = { .src_port = RTE_BE16(80), .dst_port = RTE_BE16(40000), .data_off = 5 << 4, .tcp_flags = 0x10 },
	};

	CU_ASSERT_FATAL(m != NULL);
	memcpy(rte_pktmbuf_append(m, sizeof(h)), &h, sizeof(h));
	memset(rte_pktmbuf_append(m, payload), 0x5a, payload);
	m->l3_len = sizeof(h.ip);
	m->l4_len = sizeof(h.tcp);
	return m;
}

/* ---- an independent view -------------------------------------------------------- */

uint16_t ref_sum(const uint8_t *p, unsigned len, uint32_t start)
{
	uint32_t sum = start;

	for (unsigned i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		if (sum >= 0x10000)
			sum -= 0xffff;
	}
	return (uint16_t)sum;
}

bool ref_ip_ok(const uint8_t *ip)
{
	return ref_sum(ip, (ip[0] & 0xf) * 4u, 0) == 0xffff;
}

bool ref_l4_ok(const uint8_t *ip)
{
	unsigned hlen = (ip[0] & 0xf) * 4u, len = (ip[2] << 8 | ip[3]) - hlen;
	const uint8_t pseudo[4] = { 0, ip[9], len >> 8, len & 0xff };
	uint32_t sum = ref_sum(ip + 12, 8, 0);

	sum = ref_sum(pseudo, 4, sum);
	return ref_sum(ip + hlen, len, sum) == 0xffff;
}
