/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/qtest/net.h"

#include <errno.h>
#include <netinet/ip_icmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_arp.h>
#include <rte_ethdev.h>
#include <rte_icmp.h>
#include <rte_tcp.h>

#include "pmd/virtio/dev.h"

#define NETWORK  RTE_IPV4(10, 9, 0, 0)
#define LONE     UINT16_MAX       /* identifies an echo of net_echo_from() */

struct net net;
unsigned step_failures;
static bool lone_answered;
static struct {
	uint16_t from, to;        /* ports of the segment whose answer is awaited */
	struct net_answer got;
} syn;

void step(bool ok, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("%s ", ok ? "ok    " : "FAILED");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	step_failures += !ok;
}

/* ---- the port ---------------------------------------------------------------------- */
int net_setup(uint16_t queues, uint16_t descriptors, uint64_t rx_offloads, bool rss)
{
	struct rte_eth_conf conf = { .rxmode = { .offloads = rx_offloads } };
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(net.port, &info);

	if (rss) {
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_hf = info.flow_type_rss_offloads;
	}
	if (rc == 0)
		rc = rte_eth_dev_configure(net.port, queues, queues, &conf);
	for (uint16_t q = 0; q < queues && rc == 0; q++) {
		rc = rte_eth_rx_queue_setup(net.port, q, descriptors, SOCKET_ID_ANY, NULL, net.mp);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(net.port, q, descriptors, SOCKET_ID_ANY, NULL);
	}
	net.queues = queues;
	net.rss = rss;
	return rc == 0 ? rte_eth_dev_start(net.port) : rc;
}

/* ---- frames out ------------------------------------------------------------------- */
static struct rte_mbuf *frame(const struct rte_ether_addr *dst, uint16_t type, uint16_t len, void **payload)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(net.mp);
	struct rte_ether_hdr *eth;

	if (m == NULL)
		return NULL;
	eth = (struct rte_ether_hdr *)rte_pktmbuf_append(m, (uint16_t)(sizeof(*eth) + len));
	memset(eth, 0, sizeof(*eth) + len);
	eth->dst_addr = *dst;
	eth->src_addr = net.ours;
	eth->ether_type = rte_cpu_to_be_16(type);
	*payload = eth + 1;
	return m;
}

static bool out(uint16_t q, struct rte_mbuf *m)
{
	if (rte_eth_tx_burst(net.port, q, &m, 1) == 1)
		return true;
	rte_pktmbuf_free(m);
	return false;
}

static void send_arp(uint16_t q, const struct rte_ether_addr *to, uint16_t what, uint32_t from,
		     const struct rte_ether_addr *mac)
{
	struct rte_arp_hdr *arp;
	struct rte_mbuf *m = frame(to, RTE_ETHER_TYPE_ARP, sizeof(*arp), (void **)&arp);

	if (m == NULL)
		return;
	arp->arp_hardware = rte_cpu_to_be_16(RTE_ARP_HRD_ETHER);
	arp->arp_protocol = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	arp->arp_hlen = RTE_ETHER_ADDR_LEN;
	arp->arp_plen = 4;
	arp->arp_opcode = rte_cpu_to_be_16(what);
	arp->arp_data.arp_sha = *mac;
	arp->arp_data.arp_sip = rte_cpu_to_be_32(from);
	arp->arp_data.arp_tip = rte_cpu_to_be_32(NET_THEIR_IP);
	out(q, m);
}

/* Addresses told to the kernel, which asks again after some seconds: by their last octet. */
static struct {
	bool ours;
	struct rte_ether_addr mac;
} claimed[256];

static void claim(uint16_t q, uint32_t address, const struct rte_ether_addr *mac)
{
	static const struct rte_ether_addr all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

	claimed[address & 0xff].ours = true;
	claimed[address & 0xff].mac = *mac;
	send_arp(q, &all, RTE_ARP_OP_REQUEST, address, mac);
}

static void answer_arp(uint16_t q, const struct rte_arp_hdr *arp)
{
	uint32_t address = rte_be_to_cpu_32(arp->arp_data.arp_tip);

	if ((address & ~0xffu) == NETWORK && claimed[address & 0xff].ours)
		send_arp(q, &arp->arp_data.arp_sha, RTE_ARP_OP_REPLY, address, &claimed[address & 0xff].mac);
}

void net_claim(uint8_t host, const struct rte_ether_addr *mac)
{
	unsigned before = net.arps;

	claim(0, NETWORK + host, mac);
	for (unsigned n = 0; n < 200 && net.arps == before; n++) {
		net_poll();
		usleep(100);
	}
}

static bool send_echo(uint16_t q, uint32_t from, uint16_t ident, uint16_t seq, uint16_t size)
{
	struct { struct rte_ipv4_hdr ip; struct rte_icmp_hdr icmp; } *p;
	uint16_t len = (uint16_t)(sizeof(*p) + size);
	struct rte_mbuf *m = frame(&net.theirs, RTE_ETHER_TYPE_IPV4, len, (void **)&p);

	if (m == NULL)
		return false;
	p->ip.version_ihl = RTE_IPV4_VHL_DEF;
	p->ip.total_length = rte_cpu_to_be_16(len);
	p->ip.time_to_live = 64;
	p->ip.next_proto_id = IPPROTO_ICMP;
	p->ip.src_addr = rte_cpu_to_be_32(from);
	p->ip.dst_addr = rte_cpu_to_be_32(NET_THEIR_IP);
	p->ip.hdr_checksum = rte_ipv4_cksum(&p->ip);
	p->icmp.icmp_type = ICMP_ECHO;
	p->icmp.icmp_ident = rte_cpu_to_be_16(ident);
	p->icmp.icmp_seq_nb = rte_cpu_to_be_16(seq);
	p->icmp.icmp_cksum = (uint16_t)~rte_raw_cksum(&p->icmp, sizeof(p->icmp) + size);
	return out(q, m);
}

void net_ask(uint16_t pair, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		uint16_t seq = net.pair[pair].next;

		if (!send_echo(pair, NET_OUR_IP + pair, pair, seq, (uint16_t)(56 + seq * 13 % 1300)))
			continue;
		net.pair[pair].next++;
		net.pair[pair].asked++;
		net.pair[pair].out[seq] = net.round;
	}
}

static bool send_syn(uint16_t q, uint16_t from_port, uint16_t to_port)
{
	struct { struct rte_ipv4_hdr ip; struct rte_tcp_hdr tcp; } *p;
	struct rte_mbuf *m = frame(&net.theirs, RTE_ETHER_TYPE_IPV4, sizeof(*p), (void **)&p);

	if (m == NULL)
		return false;
	p->ip.version_ihl = RTE_IPV4_VHL_DEF;
	p->ip.total_length = rte_cpu_to_be_16(sizeof(*p));
	p->ip.time_to_live = 64;
	p->ip.next_proto_id = IPPROTO_TCP;
	p->ip.src_addr = rte_cpu_to_be_32(NET_OUR_IP);
	p->ip.dst_addr = rte_cpu_to_be_32(NET_THEIR_IP);
	p->ip.hdr_checksum = rte_ipv4_cksum(&p->ip);
	p->tcp.src_port = rte_cpu_to_be_16(from_port);
	p->tcp.dst_port = rte_cpu_to_be_16(to_port);
	p->tcp.data_off = sizeof(p->tcp) / 4 << 4;
	p->tcp.tcp_flags = RTE_TCP_SYN_FLAG;
	p->tcp.rx_win = rte_cpu_to_be_16(1000);
	p->tcp.cksum = rte_ipv4_udptcp_cksum(&p->ip, &p->tcp);
	return out(q, m);
}

/* ---- frames in -------------------------------------------------------------------- */
static void take_answer(uint16_t q, const struct rte_icmp_hdr *icmp)
{
	uint16_t pair = rte_be_to_cpu_16(icmp->icmp_ident), seq = rte_be_to_cpu_16(icmp->icmp_seq_nb);

	if (pair == LONE) {
		lone_answered = true;
		return;
	}
	if (pair >= NET_PAIRS_MAX)
		return;
	net.strays += pair != q;
	if (net.pair[pair].out[seq] == 0)
		net.pair[pair].twice++;
	else if (net.pair[pair].out[seq] == net.round)
		net.pair[pair].answered++;
	else
		net.pair[pair].late++;
	net.pair[pair].out[seq] = 0;
}

static void take_segment(uint16_t q, const struct rte_mbuf *m, const struct rte_tcp_hdr *tcp)
{
	if (m->data_len < sizeof(struct rte_ether_hdr) + sizeof(struct rte_ipv4_hdr) + sizeof(*tcp) ||
	    tcp->src_port != rte_cpu_to_be_16(syn.to) || tcp->dst_port != rte_cpu_to_be_16(syn.from))
		return;
	syn.got = (struct net_answer){
		.came = true, .queue = q, .hashed = (m->ol_flags & RTE_MBUF_F_RX_RSS_HASH) != 0, .hash = m->hash.rss,
	};
}

static bool tagged(const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_vlan_hdr *tag = (const void *)(eth + 1);

	return eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN) &&
	       (rte_be_to_cpu_16(tag->vlan_tci) & 0xfff) == NET_VLAN;
}

static void take_arp(uint16_t q, const struct rte_arp_hdr *arp)
{
	if (arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REPLY)) {
		net.theirs = arp->arp_data.arp_sha;
		net.arps++;
	} else {
		answer_arp(q, arp);
	}
}

static void take_frame(uint16_t q, const struct rte_mbuf *m)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_arp_hdr *arp = (const void *)(eth + 1);
	const struct rte_ipv4_hdr *ip = (const void *)(eth + 1);
	const struct rte_icmp_hdr *icmp = (const void *)(ip + 1);

	if (m->data_len < sizeof(*eth) + sizeof(*ip) + sizeof(*icmp))
		return;
	net.tagged += tagged(m);
	if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_ARP)) {
		take_arp(q, arp);
	} else if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) && ip->next_proto_id == IPPROTO_ICMP &&
		   icmp->icmp_type == ICMP_ECHOREPLY) {
		take_answer(q, icmp);
	} else if (eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4) && ip->next_proto_id == IPPROTO_TCP) {
		take_segment(q, m, (const void *)(ip + 1));
	}
}

bool net_poll(void)
{
	bool any = false;

	for (uint16_t q = 0; q < net.queues; q++) {
		struct rte_mbuf *m;

		while (rte_eth_rx_burst(net.port, q, &m, 1) == 1) {
			take_frame(q, m);
			rte_pktmbuf_free(m);
			any = true;
		}
	}
	return any;
}

void net_count(void)
{
	net.round = (uint16_t)(net.round == UINT16_MAX ? 1 : net.round + 1);
	for (unsigned q = 0; q < NET_PAIRS_MAX; q++)
		net.pair[q].asked = net.pair[q].answered = 0;
}

bool net_answered(uint16_t pair, unsigned ms)
{
	for (unsigned n = 0; n < ms * 10; n++) {
		net_poll();
		if (net.pair[pair].answered == net.pair[pair].asked)
			return true;
		usleep(100);
	}
	return false;
}

bool net_echo_from(uint8_t host, unsigned ms)
{
	lone_answered = false;
	if (!send_echo(0, NETWORK + host, LONE, 0, 56))
		return false;
	for (unsigned n = 0; n < ms * 10 && !lone_answered; n++) {
		net_poll();
		usleep(100);
	}
	return lone_answered;
}

bool net_syn(uint16_t pair, uint16_t from_port, uint16_t to_port, unsigned ms, struct net_answer *got)
{
	syn.from = from_port;
	syn.to = to_port;
	syn.got.came = false;
	if (!send_syn(pair, from_port, to_port))
		return false;
	for (unsigned n = 0; n < ms * 10 && !syn.got.came; n++) {
		net_poll();
		usleep(100);
	}
	*got = syn.got;
	return got->came;
}

static bool resolve(uint16_t pair)
{
	for (unsigned n = 0; n < 100; n++) {
		unsigned before = net.arps;

		claim(pair, NET_OUR_IP + pair, &net.ours);
		for (unsigned k = 0; k < 1000; k++) {
			net_poll();
			if (net.arps != before)
				return true;
			usleep(100);
		}
	}
	return false;
}

bool net_resolve(void)
{
	bool ok = true;

	for (uint16_t pair = 0; pair < net.queues && ok; pair++)
		ok = resolve(pair);
	return ok;
}

bool net_pings(unsigned count)
{
	bool ok = true;

	net_count();
	for (unsigned i = 0; i < count && ok; i++) {
		net_ask((uint16_t)(i % net.queues), 1);
		ok = net_answered((uint16_t)(i % net.queues), NET_PATIENCE_MS);
	}
	return ok;
}

bool net_buffers(void)
{
	unsigned held = 0, used = 0;

	for (unsigned n = 0; n < 1000; n++) {
		held = 0;
		for (uint16_t q = 0; q < net.queues; q++) {
			const struct vnic_vq *rx = &net.dev->rxq[q]->vq;

			rte_eth_tx_done_cleanup(net.port, q, 0);
			held += (unsigned)(rx->size - rx->free_count) +
				(unsigned)(net.dev->txq[q]->posted - net.dev->txq[q]->done);
		}
		used = rte_mempool_in_use_count(net.mp);
		if (used == held)
			return true;
		net_poll();
		usleep(1000);
	}
	printf("buffers: %u in use, %u in rings\n", used, held);
	return false;
}
