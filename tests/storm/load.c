/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbered frames both ways, as many under way as the receiver surely has buffers for. */
#include <string.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "tests/storm/storm.h"

#define BURST  16
#define WINDOW 96   /* frames of a port under way: a ring, even a small one, has room for its part */
#define GIVE_UP_US 3000

struct body {
	rte_be32_t magic;
	uint16_t port, queue;
	uint32_t n;
	uint64_t when;
} __attribute__((packed));

struct frame {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
	struct body body;
} __attribute__((packed, aligned(2)));

#define MAGIC RTE_BE32(0x5702a9e1)

void storm_frame(const struct storm *s, struct rte_mbuf *m, uint16_t port, uint16_t queue, uint32_t n)
{
	struct frame *f = rte_pktmbuf_mtod(m, struct frame *);

	memset(f, 0, sizeof(*f));
	m->data_len = sizeof(*f);
	m->pkt_len = sizeof(*f);
	f->eth.dst_addr = s->mac[!port];
	f->eth.src_addr = s->mac[port];
	f->eth.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	f->ip.version_ihl = RTE_IPV4_VHL_DEF;
	f->ip.total_length = rte_cpu_to_be_16(sizeof(*f) - sizeof(f->eth));
	f->ip.time_to_live = 64;
	f->ip.next_proto_id = IPPROTO_UDP;
	f->ip.src_addr = rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 1 + port));
	f->ip.dst_addr = rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 2 - port));
	f->ip.hdr_checksum = rte_ipv4_cksum(&f->ip);
	f->udp.src_port = rte_cpu_to_be_16(s->src_port[port][queue]);
	f->udp.dst_port = RTE_BE16(9);
	f->udp.dgram_len = rte_cpu_to_be_16(sizeof(f->udp) + sizeof(f->body));
	f->body = (struct body){ .magic = MAGIC, .port = port, .queue = queue, .n = n, .when = rte_rdtsc() };
}

bool storm_read(const struct rte_mbuf *m, uint16_t *port, uint16_t *queue, uint32_t *n, uint64_t *when)
{
	const struct frame *f = rte_pktmbuf_mtod(m, const struct frame *);

	if (m->data_len != sizeof(*f) || f->body.magic != MAGIC || f->body.port >= STORM_PORTS ||
	    f->body.queue >= STORM_QUEUES)
		return false;
	*port = f->body.port;
	*queue = f->body.queue;
	*n = f->body.n;
	*when = f->body.when;
	return true;
}

static void count(struct storm *s, uint16_t at, uint16_t at_queue, const struct rte_mbuf *m)
{
	uint16_t port, queue;
	struct storm_flow *f;
	uint64_t when;
	uint32_t n;

	if (!storm_read(m, &port, &queue, &n, &when))
		return; /* of the host's, not of ours */
	f = &s->flow[port][queue];
	if (port == at || n >= f->sent || n >= STORM_SEEN) {
		f->wild++;
		return;
	}
	f->twice += f->seen[n / 8] >> (n % 8) & 1;
	f->seen[n / 8] |= (uint8_t)(1 << n % 8);
	f->got++;
	f->at |= (uint8_t)(1 << at_queue);
}

static unsigned receive(struct storm *s, uint16_t port, uint16_t queue)
{
	struct rte_mbuf *m[2 * BURST];
	uint16_t n = rte_eth_rx_burst(port, queue, m, RTE_DIM(m));

	for (uint16_t i = 0; i < n; i++)
		count(s, port, queue, m[i]);
	rte_pktmbuf_free_bulk(m, n);
	return n;
}

static uint32_t under_way(const struct storm *s, uint16_t port)
{
	uint32_t n = 0;

	for (uint16_t q = 0; q < s->queues; q++)
		n += s->flow[port][q].sent - s->flow[port][q].got;
	return n - s->given_up[port];
}

static void send_burst(struct storm *s, uint16_t port, uint16_t queue)
{
	struct storm_flow *f = &s->flow[port][queue];
	struct rte_mbuf *m[BURST];
	uint16_t n;

	if (f->sent + BURST > STORM_SEEN || rte_pktmbuf_alloc_bulk(s->mp, m, BURST) != 0)
		return;
	for (uint32_t i = 0; i < BURST; i++)
		storm_frame(s, m[i], port, queue, f->sent + i);
	n = rte_eth_tx_burst(port, queue, m, BURST);
	f->sent += n;
	rte_pktmbuf_free_bulk(m + n, BURST - n);
}

/* Nothing has come for a while: what is missing will not. */
static void give_up(struct storm *s, uint16_t port, uint64_t *last)
{
	if (rte_rdtsc() - *last < rte_get_tsc_hz() / 1000000 * GIVE_UP_US)
		return;
	s->given_up[port] += under_way(s, port);
	*last = rte_rdtsc();
}

void *storm_lcore(void *arg)
{
	uint64_t last[STORM_PORTS] = { rte_rdtsc(), rte_rdtsc() };
	struct storm *s = arg;

	for (; !s->stop; s->turns++) {
		for (uint16_t p = 0; p < STORM_PORTS; p++) {
			for (uint16_t q = 0; q < s->queues; q++) {
				if (receive(s, p, q) > 0)
					last[!p] = rte_rdtsc();
				if (s->send && (int32_t)under_way(s, p) < WINDOW)
					send_burst(s, p, q);
			}
			if ((int32_t)under_way(s, p) >= WINDOW)
				give_up(s, p, &last[p]);
		}
	}
	return NULL;
}
