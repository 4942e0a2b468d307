/* SPDX-License-Identifier: BSD-3-Clause */
/* GUEST_ANNOUNCE of a whole port, against the scripted device. */
#include <errno.h>
#include <unistd.h>

#include "pmd/virtio/vnic.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

#define FEATURE VIRTIO_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE)

static void open_port(struct port_lab *l, bool offer)
{
	port_new(l, NULL);
	CU_ASSERT_FATAL(port_probe(l, NULL) == 0);
	if (offer)
		CU_ASSERT_EQUAL(vnic_announce_offer(l->port), 0);
	CU_ASSERT_FATAL(port_start(l) == 0);
}

static void ask(struct port_lab *l)
{
	vnicd_nic_announce(&l->s->nic);
	scripted_config_changed(l->s);
}

static bool asked_is(const struct port_lab *l, bool asked)
{
	return TEST_SOON(vnic_announce_asked(l->port) == asked);
}

static void announce__asked_and_answered(void)
{
	struct port_lab l;
	uint64_t seen;

	open_port(&l, true);
	CU_ASSERT((l.s->acked.word[0] & FEATURE) != 0 && !vnic_announce_asked(l.port));
	for (unsigned i = 1; i <= 2; i++) {
		ask(&l);
		CU_ASSERT(asked_is(&l, true));
		CU_ASSERT(l.s->nic.announce);
		seen = l.s->ctrl_seen;
		CU_ASSERT_EQUAL(vnic_announce_done(l.port), 0);
		CU_ASSERT(!vnic_announce_asked(l.port));
		CU_ASSERT(l.s->ctrl_seen == seen + 1 && l.s->last_class == VIRTIO_NET_CTRL_ANNOUNCE &&
			  l.s->last_cmd == VIRTIO_NET_CTRL_ANNOUNCE_ACK);
		CU_ASSERT(!l.s->nic.announce);
		/* What follows is the device's taking it back, no new question. */
		scripted_config_changed(l.s);
		usleep(20000);
		CU_ASSERT(!vnic_announce_asked(l.port));
	}
	port_close(&l);
}

/* Who does not offer it leaves it to the device. */
static void announce__not_offered(void)
{
	struct port_lab l;

	open_port(&l, false);
	CU_ASSERT((l.s->acked.word[0] & FEATURE) == 0);
	ask(&l);
	usleep(20000);
	CU_ASSERT(!vnic_announce_asked(l.port));
	CU_ASSERT(vnic_announce_offer(UINT16_MAX) == -ENOTSUP && !vnic_announce_asked(UINT16_MAX) &&
		  vnic_announce_done(UINT16_MAX) == -ENOTSUP);
	port_close(&l);
}

/* A question that was open when the port stopped is the old device's. */
static void announce__forgotten_by_a_stop(void)
{
	struct port_lab l;

	open_port(&l, true);
	ask(&l);
	CU_ASSERT(asked_is(&l, true));
	CU_ASSERT_EQUAL(rte_eth_dev_stop(l.port), 0);
	CU_ASSERT(!vnic_announce_asked(l.port));
	CU_ASSERT_EQUAL(vnic_announce_done(l.port), -ENOTSUP);
	CU_ASSERT_EQUAL(rte_eth_dev_start(l.port), 0);
	CU_ASSERT(!vnic_announce_asked(l.port));
	ask(&l);
	CU_ASSERT(asked_is(&l, true));
	port_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(announce__asked_and_answered),
	TEST_CASE(announce__not_offered),
	TEST_CASE(announce__forgotten_by_a_stop),
};
TEST_MAIN("virtio_announce", cases)
