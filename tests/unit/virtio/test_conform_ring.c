/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings and packets of a whole port: items 10 to 16 and 62 to 64 of doc/compliance-virtio.md. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_ip.h>

#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

#define R(f) VIRTIO_BIT(VIRTIO_F_##f)
#define NET(f) VIRTIO_BIT(VIRTIO_NET_F_##f)

/* Layouts, as features that the device does not offer. */
static const uint64_t layouts[] = {
	R(RING_PACKED) | R(IN_ORDER) | R(INDIRECT_DESC), R(RING_PACKED) | R(IN_ORDER), R(RING_PACKED), R(IN_ORDER),
	0, R(INDIRECT_DESC), R(RING_PACKED) | R(EVENT_IDX), R(EVENT_IDX) | R(IN_ORDER),
};

static void open_layout(struct port_lab *l, uint64_t hidden)
{
	port_new(l, NULL);
	l->s->hide_features = hidden;
	CU_ASSERT_FATAL(port_probe(l, NULL) == 0);
	l->tx_offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
}

/* ---- 10: an impatient device ---------------------------------------------------------- */
#define RACE_PACKETS 6000u

struct racer {
	struct port_lab *l;
	uint32_t taken, wrong;
};

static uint32_t race_len(uint32_t i)
{
	return 60 + i * 7 % 300;
}

/* Takes whatever it sees the moment it sees it: a head that shows too early leads to garbage. */
static void *race(void *arg)
{
	struct racer *r = arg;
	uint8_t b[512];

	while (r->taken < RACE_PACKETS && r->wrong == 0) {
		int n = scripted_take_raw(r->l->s, 0, b, sizeof(b));

		if (n == 0)
			continue;
		r->wrong += n != (int)race_len(r->taken) + 12;
		for (int i = 12; i < n && r->wrong == 0; i++)
			r->wrong += b[i] != port_octet(r->taken, (uint32_t)i - 12);
		r->taken++;
	}
	return NULL;
}

static void tx__chains_show_whole(void)
{
	for (unsigned k = 0; k < 6; k++) {
		struct racer r = { 0 };
		struct port_lab l;
		pthread_t thread;

		open_layout(&l, layouts[k]);
		l.tx_desc = 64;
		CU_ASSERT_FATAL(port_start(&l) == 0);
		r.l = &l;
		CU_ASSERT_FATAL(pthread_create(&thread, NULL, race, &r) == 0);
		for (uint32_t i = 0; i < RACE_PACKETS && r.wrong == 0; ) {
			struct rte_mbuf *m = port_frame(&l, i, race_len(i), i % 3 == 0 ? 0 : 1 + race_len(i) / 3);

			while (rte_eth_tx_burst(l.port, 0, &m, 1) == 0 && *(volatile uint32_t *)&r.wrong == 0)
				sched_yield();
			i++;
		}
		pthread_join(thread, NULL);
		CU_ASSERT(r.wrong == 0 && r.taken == RACE_PACKETS);
		CU_ASSERT(l.s->nic.queue[1].ring.error == VNICD_RING_ERROR_NONE);
		port_close(&l);
	}
}

/* ---- 11: doorbells ----------------------------------------------------------------------- */
static unsigned send_burst(struct port_lab *l, unsigned n)
{
	struct rte_mbuf *m[64];
	unsigned sent;

	for (unsigned i = 0; i < n; i++)
		m[i] = port_frame(l, i, 60, 0);
	sent = rte_eth_tx_burst(l->port, 0, m, (uint16_t)n);
	rte_pktmbuf_free_bulk(m + sent, n - sent);
	return sent;
}

static void doorbell__one_a_burst_none_while_awake(void)
{
	uint8_t b[100];

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		bool event = (layouts[k] & R(EVENT_IDX)) == 0;
		struct port_lab l;
		uint64_t kicks;

		open_layout(&l, layouts[k]);
		CU_ASSERT_FATAL(port_start(&l) == 0);
		scripted_step(l.s, false);
		for (unsigned lap = 0; lap < 40; lap++) {
			kicks = l.s->kicks[1];
			CU_ASSERT(send_burst(&l, 32) == 32);
			CU_ASSERT(l.s->kicks[1] == kicks + 1);
			/* With an event index it is awake from the first doorbell on; without, until it says so. */
			CU_ASSERT(send_burst(&l, 32) == 32);
			CU_ASSERT(l.s->kicks[1] == kicks + (event ? 1 : 2));
			for (unsigned i = 0; i < 64; i++)
				CU_ASSERT(scripted_take(l.s, 0, NULL, b, sizeof(b)) == 60);
			CU_ASSERT(send_burst(&l, 1) == 1);
			CU_ASSERT(l.s->kicks[1] == kicks + (event ? 1 : 3));
			scripted_step(l.s, false);
		}
		l.s->busy = true;
		scripted_step(l.s, false);
		kicks = l.s->kicks[1];
		if (!event || (layouts[k] & R(RING_PACKED)) == 0) /* flags say it; an event that passed does too */
			for (unsigned i = 0; i < 4; i++)
				CU_ASSERT(send_burst(&l, 32) == 32);
		CU_ASSERT(l.s->kicks[1] == kicks);
		port_close(&l);
	}
}

/* ---- 12: a device that sleeps ----------------------------------------------------------------- */
#define WAKE_PACKETS 3000u

struct sleeper {
	struct port_lab *l;
	volatile uint32_t taken;
	bool stalled;
};

static bool sleep_until_kicked(struct sleeper *d, uint64_t before)
{
	const volatile uint64_t *kicks = &d->l->s->kicks[1];

	for (unsigned i = 0; i < 20000; i++) {
		for (unsigned n = 0; n < 50; n++) {
			if (*kicks != before)
				return true;
			sched_yield();
		}
		if (i > 100)
			usleep(100);
	}
	return false;
}

/* Works off what is there, says that it wants a doorbell, looks once more, and sleeps until one comes. */
static void *sleep_and_take(void *arg)
{
	struct sleeper *d = arg;
	struct vnicd_ring *r = &d->l->s->nic.queue[1].ring;
	uint8_t b[100];

	while (d->taken < WAKE_PACKETS && !d->stalled) {
		uint64_t kicks = *(volatile uint64_t *)&d->l->s->kicks[1];

		while (scripted_take_raw(d->l->s, 0, b, sizeof(b)) > 0)
			d->taken++;
		if (d->taken < WAKE_PACKETS && !vnicd_ring_want_kick(r, true))
			d->stalled = !sleep_until_kicked(d, kicks);
	}
	return NULL;
}

static void doorbell__no_wake_up_is_lost(void)
{
	static const uint64_t kinds[] = { R(RING_PACKED), R(RING_PACKED) | R(EVENT_IDX), R(IN_ORDER), R(EVENT_IDX) };

	for (unsigned k = 0; k < RTE_DIM(kinds); k++) {
		struct sleeper d = { 0 };
		uint64_t seed = k;
		struct port_lab l;
		pthread_t thread;

		open_layout(&l, kinds[k]);
		CU_ASSERT_FATAL(port_start(&l) == 0);
		d.l = &l;
		CU_ASSERT_FATAL(pthread_create(&thread, NULL, sleep_and_take, &d) == 0);
		for (uint32_t i = 0; i < WAKE_PACKETS && !d.stalled; ) {
			struct rte_mbuf *m = port_frame(&l, i, 60, 0);

			if (!port_send(&l, 0, m)) {
				sched_yield();
				continue;
			}
			i++;
			/* Often the device is on its way to sleep when the next one comes. */
			if (test_random(&seed) % 3 == 0)
				while (d.taken < i && !*(volatile bool *)&d.stalled)
					sched_yield();
		}
		pthread_join(thread, NULL);
		CU_ASSERT(!d.stalled && d.taken == WAKE_PACKETS);
		port_close(&l);
	}
}

/* ---- 13, 14: interrupts -------------------------------------------------------------------- */
static bool woken(struct port_lab *l)
{
	struct pollfd p = { .fd = l->s->fd[0], .events = POLLIN };
	eventfd_t n;

	if (poll(&p, 1, 0) != 1)
		return false;
	eventfd_read(l->s->fd[0], &n);
	return true;
}

static void give_one(struct port_lab *l)
{
	uint8_t b[60];

	port_octets(3, b, sizeof(b));
	memset(b, 0xff, 6);
	CU_ASSERT(scripted_give(l->s, 0, NULL, b, sizeof(b)) == 0);
	scripted_flush(l->s);
}

static void interrupt__none_is_lost(void)
{
	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		struct rte_mbuf *m;
		struct port_lab l;

		open_layout(&l, layouts[k]);
		l.intr = true;
		CU_ASSERT_FATAL(port_start(&l) == 0);
		woken(&l);
		for (unsigned lap = 0; lap < 600; lap++) {
			give_one(&l); /* while nobody wants to hear */
			if (lap > 0)
				CU_ASSERT(!woken(&l));
			woken(&l);
			/* It came before the device knew that we sleep: seen all the same. */
			CU_ASSERT(rte_eth_dev_rx_intr_enable(l.port, 0) == 0);
			CU_ASSERT(woken(&l));
			CU_ASSERT(rte_eth_dev_rx_intr_disable(l.port, 0) == 0);
			m = port_recv(&l, 0);
			CU_ASSERT(m != NULL);
			rte_pktmbuf_free(m);
			CU_ASSERT(rte_eth_dev_rx_intr_enable(l.port, 0) == 0);
			CU_ASSERT(!woken(&l));
			give_one(&l);
			CU_ASSERT(woken(&l));
			CU_ASSERT(rte_eth_dev_rx_intr_disable(l.port, 0) == 0);
			m = port_recv(&l, 0);
			CU_ASSERT(m != NULL);
			rte_pktmbuf_free(m);
		}
		port_close(&l);
	}
}

static void interrupt__spurious(void)
{
	struct port_lab l;
	unsigned lsc;

	port_open(&l, NULL, NULL);
	lsc = l.events[RTE_ETH_EVENT_INTR_LSC];
	for (unsigned i = 0; i < 50; i++) {
		eventfd_write(l.s->event_fd, 1);
		eventfd_write(l.s->fd[0], 1);
		eventfd_write(l.s->fd[1], 1);
		eventfd_write(l.s->fd[vnicd_nic_ctrl_vq(&l.s->nic)], 1);
		if (i % 10 == 0)
			scripted_config_changed(l.s); /* that has not changed */
		CU_ASSERT(port_recv(&l, 0) == NULL);
		CU_ASSERT(port_works(&l, 0));
		CU_ASSERT(rte_eth_promiscuous_enable(l.port) == 0 && rte_eth_promiscuous_disable(l.port) == 0);
	}
	CU_ASSERT(l.events[RTE_ETH_EVENT_INTR_LSC] == lsc && l.events[RTE_ETH_EVENT_INTR_RESET] == 0);
	CU_ASSERT(l.events[RTE_ETH_EVENT_QUEUE_STATE] == 0);
	port_close(&l);
}

/* ---- 16, 62: memory of chains, small rings ------------------------------------------------- */
static void indirect__tables_of_a_full_ring(void)
{
	uint8_t b[512];

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		uint32_t in = 0, out = 0;
		struct port_lab l;

		open_layout(&l, layouts[k]);
		l.tx_desc = 32;
		CU_ASSERT_FATAL(port_start(&l) == 0);
		for (unsigned lap = 0; lap < 50; lap++) {
			/* Until no more goes in; what waits must stay what it was. */
			for (;;) {
				if (!port_send(&l, 0, port_frame(&l, in, 100 + in % 200, 90)))
					break;
				in++;
			}
			CU_ASSERT(in > out && in - out <= 32);
			for (unsigned n = 1 + lap % 5; n > 0 && out < in; n--, out++) {
				int len = scripted_take_raw(l.s, 0, b, sizeof(b));

				CU_ASSERT(len == (int)(112 + out % 200));
				for (int i = 12; i < len; i++)
					if (b[i] != port_octet(out, (uint32_t)i - 12))
						CU_FAIL("octet");
			}
		}
		CU_ASSERT(l.s->nic.queue[1].ring.error == VNICD_RING_ERROR_NONE);
		port_close(&l);
	}
}

static void ring__smaller_than_the_device_has(void)
{
	uint8_t b[100];

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		struct port_lab l;

		open_layout(&l, layouts[k]);
		l.tx_desc = l.rx_desc = 16;
		CU_ASSERT_FATAL(port_start(&l) == 0);
		CU_ASSERT(l.s->nic.queue[0].ring.conf.size == 16 && l.s->nic.queue[1].ring.conf.size == 16);
		CU_ASSERT(scripted_waiting(l.s, 0) == 16);
		for (unsigned i = 0; i < 3000; i++) {
			unsigned n = 1 + i % 8;

			CU_ASSERT_FATAL(send_burst(&l, n) == n);
			while (n-- > 0)
				CU_ASSERT(scripted_take(l.s, 0, NULL, b, sizeof(b)) == 60);
			scripted_flush(l.s);
		}
		CU_ASSERT(send_burst(&l, 40) <= 16);
		CU_ASSERT(rte_mempool_avail_count(l.mp) >= PORT_MBUFS - 32);
		port_close(&l);
	}
}

/* A ring longer than the device's is refused by ethdev; one that is no power of two only when split. */
static void ring__sizes_refused(void)
{
	struct port_lab l;

	open_layout(&l, R(RING_PACKED));
	l.rx_desc = 512;
	CU_ASSERT(port_start(&l) == -EINVAL);
	l.rx_desc = 100;
	CU_ASSERT(port_start(&l) == -EINVAL);
	CU_ASSERT(l.s->setups == 0);
	port_close(&l);
	open_layout(&l, 0);
	l.rx_desc = l.tx_desc = 100;
	CU_ASSERT(port_start(&l) == 0 && port_works(&l, 0));
	port_close(&l);
}

/* ---- 63: checksums carried on ---------------------------------------------------------------- */
#define CSUM_LEN (14 + 20 + 20 + 77)

static void make_tcp(uint8_t *b, bool partial)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(b + 14);
	uint16_t sum;

	port_octets(21, b, CSUM_LEN);
	memset(b, 0xff, 6);
	b[12] = 8;
	b[13] = 0;
	memset(ip, 0, 40);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16(CSUM_LEN - 14);
	ip->time_to_live = 9;
	ip->next_proto_id = IPPROTO_TCP;
	ip->src_addr = 0x0101010a;
	ip->dst_addr = 0x0201010a;
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	b[14 + 20 + 12] = 5 << 4;
	sum = partial ? rte_ipv4_phdr_cksum(ip, 0) : rte_ipv4_udptcp_cksum(ip, b + 34);
	memcpy(b + 34 + 16, &sum, 2);
}

/* As a forwarder does: what is said to be good but not in the packet is asked of the next port, or put in. */
static void forward(struct port_lab *l, struct rte_mbuf *m, bool offload)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);
	uint16_t sum;

	if ((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE) {
		if (offload) {
			m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
			m->l2_len = 14;
			m->l3_len = 20;
		} else {
			memset(rte_pktmbuf_mtod_offset(m, uint8_t *, 50), 0, 2);
			sum = rte_ipv4_udptcp_cksum_mbuf(m, ip, 34);
			memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, 50), &sum, 2);
		}
	}
	CU_ASSERT(rte_eth_tx_prepare(l->port, 0, &m, 1) == 1);
	CU_ASSERT(port_send(l, 0, m));
}

static void csum__received_and_forwarded(void)
{
	const struct vnic_net_hdr hdr = { .flags = 1, .csum_start = 34, .csum_offset = 16 };
	uint8_t in[CSUM_LEN], out[CSUM_LEN], want[CSUM_LEN];

	make_tcp(want, false);
	make_tcp(in, true);
	for (unsigned k = 0; k < 2 * RTE_DIM(layouts); k++) {
		bool offload = k % 2;
		struct vnic_net_hdr got;
		struct rte_mbuf *m;
		struct port_lab l;

		open_layout(&l, layouts[k / 2]);
		l.rx_offloads = RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
		if (offload)
			l.tx_offloads |= RTE_ETH_TX_OFFLOAD_TCP_CKSUM;
		CU_ASSERT_FATAL(port_start(&l) == 0);
		CU_ASSERT(!!(l.s->acked.word[0] & NET(CSUM)) == offload && (l.s->acked.word[0] & NET(GUEST_CSUM)));
		CU_ASSERT(scripted_give(l.s, 0, &hdr, in, sizeof(in)) == 0);
		scripted_flush(l.s);
		m = port_recv(&l, 0);
		CU_ASSERT_FATAL(m != NULL);
		CU_ASSERT((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_NONE);
		forward(&l, m, offload);
		CU_ASSERT(scripted_take(l.s, 0, &got, out, sizeof(out)) == CSUM_LEN);
		/* On the wire: as it is, or with what the header asks for. */
		CU_ASSERT(got.flags == (offload ? 1 : 0));
		CU_ASSERT(memcmp(out, got.flags ? in : want, sizeof(out)) == 0);
		CU_ASSERT(!got.flags || (got.csum_start == 34 && got.csum_offset == 16));
		port_close(&l);
	}
}

/* ---- 64: what cannot be sent ------------------------------------------------------------------ */
static void tx__refused(void)
{
	static const struct {
		uint32_t len, piece;
		bool send;
	} rows[] = {
		{ 0, 0, false }, { 1, 0, false }, { 13, 0, false }, { 14, 0, true }, { 60, 1, true },
		{ 1522, 0, true }, { 1523, 0, false }, { 2000, 0, false }, { 1500, 7, true },
	};

	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		struct port_lab l;

		open_layout(&l, layouts[k]);
		CU_ASSERT_FATAL(port_start(&l) == 0);
		for (unsigned i = 0; i < RTE_DIM(rows); i++) {
			struct rte_mbuf *m = port_frame(&l, i, rows[i].len, rows[i].piece);
			uint8_t b[2100];
			bool ok;

			rte_errno = 0;
			ok = rte_eth_tx_prepare(l.port, 0, &m, 1) == 1;
			if (ok != rows[i].send)
				fprintf(stderr, "layout %u, %u octets in pieces of %u: %d\n", k, rows[i].len,
					rows[i].piece, rte_errno);
			CU_ASSERT(ok == rows[i].send && (ok || rte_errno == EINVAL));
			if (!ok) {
				rte_pktmbuf_free(m);
				CU_ASSERT(scripted_waiting(l.s, 1) == 0);
				continue;
			}
			/* A long chain may have to wait until completions are looked for. */
			CU_ASSERT(TEST_SOON(rte_eth_tx_burst(l.port, 0, &m, 1) == 1));
			CU_ASSERT_FATAL(scripted_take(l.s, 0, NULL, b, sizeof(b)) == (int)rows[i].len);
			scripted_flush(l.s);
		}
		port_close(&l);
	}
}

/* Without prepare, too: an empty packet never reaches the ring. */
static void tx__refused_without_prepare(void)
{
	for (unsigned k = 0; k < RTE_DIM(layouts); k++) {
		struct rte_mbuf *m;
		struct port_lab l;
		uint16_t n;

		open_layout(&l, layouts[k]);
		CU_ASSERT_FATAL(port_start(&l) == 0);
		m = port_frame(&l, 1, 0, 0);
		n = rte_eth_tx_burst(l.port, 0, &m, 1);
		if (n == 0)
			rte_pktmbuf_free(m);
		CU_ASSERT(scripted_waiting(l.s, 1) == 0);
		CU_ASSERT(port_xstat(&l, "tx_q0_errors") == 1);
		CU_ASSERT(port_works(&l, 0));
		port_close(&l);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(tx__chains_show_whole),
	TEST_CASE(doorbell__one_a_burst_none_while_awake),
	TEST_CASE(doorbell__no_wake_up_is_lost),
	TEST_CASE(interrupt__none_is_lost),
	TEST_CASE(interrupt__spurious),
	TEST_CASE(indirect__tables_of_a_full_ring),
	TEST_CASE(ring__smaller_than_the_device_has),
	TEST_CASE(ring__sizes_refused),
	TEST_CASE(csum__received_and_forwarded),
	TEST_CASE(tx__refused),
	TEST_CASE(tx__refused_without_prepare),
};
TEST_MAIN("conform_ring", cases)
