/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive offloads switched while the port runs: what the device then gives, and what comes back. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "pmd/virtio/ethdev_private.h"
#include "pmd/virtio/vnic.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

#define CSUM (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM)
#define LRO  RTE_ETH_RX_OFFLOAD_TCP_LRO
#define ALL  (CSUM | LRO)
#define NF(f) VIRTIO_BIT(VIRTIO_NET_F_##f)
#define BITS (NF(GUEST_CSUM) | NF(GUEST_TSO4) | NF(GUEST_TSO6))

static void open_with(struct port_lab *l, uint64_t offloads, uint64_t hidden, const char *args)
{
	port_new(l, NULL);
	l->s->hide_features = hidden;
	l->rx_offloads = offloads;
	CU_ASSERT_FATAL(port_probe(l, args) == 0);
	CU_ASSERT_FATAL(port_start(l) == 0);
}

struct frame {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_tcp_hdr tcp;
	uint8_t data[3000];
} __rte_packed __rte_aligned(2);

/* Three segments in one, its checksum partial. */
static void give_joined(struct port_lab *l)
{
	static struct frame f;
	const struct vnic_net_hdr h = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1000,
		.hdr_len = 54, .csum_start = 34, .csum_offset = 16,
	};

	memset(&f, 0, sizeof(f));
	memset(&f.eth.dst_addr, 0xff, 6);
	f.eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	f.ip = (struct rte_ipv4_hdr){ .version_ihl = 0x45, .total_length = rte_cpu_to_be_16(sizeof(f) - 14),
				      .time_to_live = 9, .next_proto_id = 6, .src_addr = 1, .dst_addr = 2 };
	f.ip.hdr_checksum = rte_ipv4_cksum(&f.ip);
	f.tcp.data_off = 5 << 4;
	memset(f.data, 7, sizeof(f.data));
	f.tcp.cksum = rte_ipv4_phdr_cksum(&f.ip, 0);
	CU_ASSERT_EQUAL(scripted_give(l->s, 0, &h, &f, sizeof(f)), 0);
	scripted_flush(l->s);
}

static bool sum_is_good(const struct rte_mbuf *m)
{
	const struct frame *f = rte_pktmbuf_mtod(m, const struct frame *);

	return m->nb_segs == 1 && rte_ipv4_udptcp_cksum_verify(&f->ip, &f->tcp) == 0;
}

/* Packets that come of it, whether joined, whether with a partial checksum. */
static bool comes_as(struct port_lab *l, unsigned packets, bool joined, bool partial)
{
	struct rte_mbuf *m;
	unsigned n = 0;
	bool ok = true;

	give_joined(l);
	while ((m = port_recv(l, 0)) != NULL) {
		uint64_t flags = m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;

		ok = ok && ((m->ol_flags & RTE_MBUF_F_RX_LRO) != 0) == joined;
		ok = ok && (partial ? flags == RTE_MBUF_F_RX_L4_CKSUM_NONE : flags == 0 && sum_is_good(m));
		rte_pktmbuf_free(m);
		n++;
	}
	return ok && n == packets;
}

static bool in_force(const struct port_lab *l, uint64_t offloads, uint64_t bits)
{
	uint64_t got;

	return vnic_rx_offloads_get(l->port, &got) == 0 && got == offloads && l->s->nic.guest_offloads == bits;
}

static void offload__what_the_device_gives(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct port_lab l;

		open_with(&l, ALL, NF(GUEST_ECN), i == 0 ? "packed=0" : "packed=1");
		CU_ASSERT(in_force(&l, ALL, BITS) && comes_as(&l, 1, true, true));
		CU_ASSERT_EQUAL(vnic_rx_offloads_set(l.port, CSUM), 0);
		CU_ASSERT(in_force(&l, CSUM, NF(GUEST_CSUM)) && comes_as(&l, 3, false, true));
		CU_ASSERT_EQUAL(vnic_rx_offloads_set(l.port, 0), 0);
		CU_ASSERT(in_force(&l, 0, 0) && comes_as(&l, 3, false, false));
		CU_ASSERT_EQUAL(vnic_rx_offloads_set(l.port, ALL), 0);
		CU_ASSERT(in_force(&l, ALL, BITS) && comes_as(&l, 1, true, true));
		port_close(&l);
	}
}

/* What was on its way when the device was told. */
static void offload__packets_on_their_way(void)
{
	struct rte_mbuf *m;
	struct port_lab l;

	open_with(&l, ALL, 0, NULL);
	give_joined(&l);
	CU_ASSERT_EQUAL(vnic_rx_offloads_set(l.port, 0), 0);
	m = port_recv(&l, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	CU_ASSERT((m->ol_flags & RTE_MBUF_F_RX_LRO) != 0 && m->pkt_len == sizeof(struct frame));
	rte_pktmbuf_free(m);
	port_close(&l);
}

static void offload__comes_back(void)
{
	struct port_lab l;
	uint64_t seen;

	open_with(&l, ALL, NF(GUEST_ECN), NULL);
	CU_ASSERT_EQUAL(vnic_rx_offloads_set(l.port, CSUM), 0);
	CU_ASSERT(rte_eth_dev_stop(l.port) == 0);
	CU_ASSERT_EQUAL(vnic_rx_offloads_set(l.port, ALL), -EIO);
	CU_ASSERT(rte_eth_dev_start(l.port) == 0);
	CU_ASSERT(in_force(&l, CSUM, NF(GUEST_CSUM)) && comes_as(&l, 3, false, true));
	scripted_die(l.s);
	(void)TEST_SOON(l.d->state == VNIC_LOST);
	scripted_return(l.s);
	(void)TEST_SOON(l.d->state == VNIC_RUNNING);
	CU_ASSERT(in_force(&l, CSUM, NF(GUEST_CSUM)) && comes_as(&l, 3, false, true));
	/* A configuration begins anew, and tells the device nothing that it knows. */
	CU_ASSERT(rte_eth_dev_stop(l.port) == 0 && port_start(&l) == 0);
	CU_ASSERT(in_force(&l, ALL, BITS) && comes_as(&l, 1, true, true));
	seen = l.s->ctrl_seen;
	CU_ASSERT(rte_eth_dev_stop(l.port) == 0 && rte_eth_dev_start(l.port) == 0);
	port_settle(l.s, l.d);
	CU_ASSERT(l.s->ctrl_seen > seen && l.s->nic.guest_offloads == BITS);
	port_close(&l);
}

static void offload__what_can_be_asked_for(void)
{
	static const struct {
		uint64_t configured, hidden, set;
		int rc;
	} rows[] = {
		{ ALL, 0, CSUM, 0 },
		{ ALL, 0, LRO, -EINVAL }, /* joined without checksums: there is no such thing */
		{ ALL, 0, RTE_ETH_RX_OFFLOAD_TCP_CKSUM, -EINVAL },
		{ ALL, 0, ALL | RTE_ETH_RX_OFFLOAD_VLAN_STRIP, -EINVAL },
		{ CSUM, 0, 0, 0 },
		{ CSUM, 0, ALL, -EINVAL },
		{ 0, 0, 0, -ENOTSUP }, /* not negotiated: nothing to switch */
		{ ALL, NF(CTRL_GUEST_OFFLOADS), CSUM, -ENOTSUP },
		{ ALL, NF(CTRL_VQ), CSUM, -ENOTSUP },
	};
	uint64_t got;

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct port_lab l;

		open_with(&l, rows[i].configured, rows[i].hidden, NULL);
		if (vnic_rx_offloads_set(l.port, rows[i].set) != rows[i].rc)
			CU_FAIL("a row");
		CU_ASSERT(vnic_rx_offloads_get(l.port, &got) == 0);
		CU_ASSERT_EQUAL(got, rows[i].rc == 0 ? rows[i].set : rows[i].configured);
		port_close(&l);
	}
	CU_ASSERT_EQUAL(vnic_rx_offloads_set(UINT16_MAX, 0), -ENOTSUP);
	CU_ASSERT_EQUAL(vnic_rx_offloads_get(UINT16_MAX, &got), -ENOTSUP);
}

static void offload__refused(void)
{
	struct port_lab l;

	open_with(&l, ALL, NF(GUEST_ECN), NULL);
	l.s->ctrl_ack = VIRTIO_NET_ERR;
	CU_ASSERT_EQUAL(vnic_rx_offloads_set(l.port, CSUM), -EREMOTEIO);
	l.s->ctrl_ack = 0;
	CU_ASSERT(in_force(&l, ALL, BITS) && comes_as(&l, 1, true, true));
	port_close(&l);
}

struct setter {
	struct port_lab *l;
	int rc;
};

static void *set_csum(void *arg)
{
	struct setter *s = arg;

	s->rc = vnic_rx_offloads_set(s->l->port, CSUM);
	return NULL;
}

static void offload__octets_of_the_command(void)
{
	static const uint8_t want[] = { 5, 0, 2, 0, 0, 0, 0, 0, 0, 0 };
	struct vnicd_ctrl_cmd *cmd;
	struct port_lab l;
	struct setter s = { .l = &l };
	pthread_t thread;

	open_with(&l, ALL, 0, NULL);
	l.s->ctrl_manual = true;
	CU_ASSERT_FATAL(pthread_create(&thread, NULL, set_csum, &s) == 0);
	cmd = port_next_command(&l);
	CU_ASSERT(cmd->len == sizeof(want) && memcmp(cmd->data, want, sizeof(want)) == 0);
	scripted_ctrl_answer(l.s, cmd, true, 0);
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL(s.rc, 0);
	l.s->ctrl_manual = false;
	port_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(offload__what_the_device_gives),
	TEST_CASE(offload__packets_on_their_way),
	TEST_CASE(offload__comes_back),
	TEST_CASE(offload__what_can_be_asked_for),
	TEST_CASE(offload__refused),
	TEST_CASE(offload__octets_of_the_command),
};
TEST_MAIN("virtio_offload", cases)
