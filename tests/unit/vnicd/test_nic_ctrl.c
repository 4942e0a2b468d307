/* SPDX-License-Identifier: BSD-3-Clause */
/* Every command of the control queue: good, short, long, nonsense, not negotiated. */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "app/vnicd/dev/nic_ctrl.h"
#include "tests/unit/test.h"
#include "tests/unit/vnicd/nic_lab.h"

#define OK  0
#define ERR 1
#define ALL (lab_conf().features)

/* The good form of each command, and the feature without which it is refused. */
static const struct command {
	uint8_t class, cmd;
	uint64_t feature;
	uint32_t len;
	uint8_t data[64];
} commands[] = {
	{ 0, 0, NET(CTRL_RX) | NET(CTRL_RX_EXTRA), 1, { 1 } }, { 0, 1, NET(CTRL_RX) | NET(CTRL_RX_EXTRA), 1, { 1 } },
	{ 0, 2, NET(CTRL_RX_EXTRA), 1, { 1 } },
	{ 0, 3, NET(CTRL_RX_EXTRA), 1, { 1 } }, { 0, 4, NET(CTRL_RX_EXTRA), 1, { 1 } },
	{ 0, 5, NET(CTRL_RX_EXTRA), 1, { 1 } }, { 1, 0, NET(CTRL_RX) | NET(CTRL_RX_EXTRA), 8, { 0 } },
	{ 1, 1, NET(CTRL_MAC_ADDR), 6, { 2, 1, 1, 1, 1, 1 } },
	{ 2, 0, NET(CTRL_VLAN), 2, { 5 } }, { 2, 1, NET(CTRL_VLAN), 2, { 5 } },
	{ 3, 0, NET(GUEST_ANNOUNCE), 0, { 0 } }, { 4, 0, NET(MQ), 2, { 2 } },
	{ 4, 1, NET(RSS), 13 + 1, { 1, [10] = 1, [12] = 1 } },
	{ 4, 2, NET(HASH_REPORT), 13 + 1, { 1, [12] = 1 } },
	{ 5, 0, NET(CTRL_GUEST_OFFLOADS), 8, { 2 } },
	{ 6, 0, NET(NOTF_COAL), 8, { 1 } }, { 6, 1, NET(NOTF_COAL), 8, { 1 } },
	{ 6, 2, NET(VQ_NOTF_COAL), 12, { 1 } },
};

/* A device with these features changes nothing on a command that it refuses. */
static void refused(uint64_t features, uint8_t class, uint8_t cmd, const uint8_t *data, uint32_t len)
{
	struct vnicd_nic before;
	struct lab l;

	lab_open(&l, features);
	before = l.nic;
	CU_ASSERT(lab_ctrl(&l, class, cmd, data, len, NULL, 0) == ERR);
	CU_ASSERT(l.nic.ctrl_err == 1 && l.nic.ctrl_ok == 0);
	CU_ASSERT(before.promisc == l.nic.promisc && before.allmulti == l.nic.allmulti &&
		  before.nomulti == l.nic.nomulti && before.active_pairs == l.nic.active_pairs);
	CU_ASSERT(memcmp(&before.mac, &l.nic.mac, sizeof(l.nic.mac)) == 0 && !l.nic.filter_macs && !l.nic.rss);
	CU_ASSERT(memcmp(before.vlan, l.nic.vlan, sizeof(l.nic.vlan)) == 0 && l.nic.hash_types == 0);
	CU_ASSERT(before.guest_offloads == l.nic.guest_offloads);
	lab_close(&l);
}

static void nic_ctrl__each_command(void)
{
	uint8_t data[65];
	struct lab l;

	for (unsigned i = 0; i < RTE_DIM(commands); i++) {
		const struct command *c = &commands[i];

		lab_open(&l, ALL);
		CU_ASSERT(lab_ctrl(&l, c->class, c->cmd, c->data, c->len, NULL, 0) == OK);
		CU_ASSERT(l.nic.ctrl_ok == 1 && l.nic.ctrl_err == 0);
		lab_close(&l);
		memset(data, 0, sizeof(data));
		memcpy(data, c->data, c->len);
		for (uint32_t len = 0; len < 64; len++)
			if (len != c->len)
				refused(ALL, c->class, c->cmd, data, len);
		refused(ALL & ~c->feature, c->class, c->cmd, c->data, c->len);
	}
}

static void nic_ctrl__unknown(void)
{
	const uint8_t data[8] = { 1 };

	for (unsigned class = 0; class < 12; class++) {
		for (unsigned cmd = 0; cmd < 12; cmd++) {
			bool known = false;

			for (unsigned i = 0; i < RTE_DIM(commands); i++)
				known |= commands[i].class == class && commands[i].cmd == cmd;
			if (!known && class != 6 && class != 8)
				refused(ALL, (uint8_t)class, (uint8_t)cmd, data, sizeof(data));
		}
	}
	refused(ALL, 255, 255, data, 8);
}

static void nic_ctrl__values(void)
{
	static const struct {
		uint8_t class, cmd;
		uint32_t len;
		uint8_t data[48];
		int ack;
	} rows[] = {
		{ 0, 0, 1, { 0 }, OK }, { 0, 0, 1, { 2 }, ERR },
		{ 1, 0, 14, { 1, 0, 0, 0, 2, 1, 1, 1, 1, 1 }, OK },
		{ 1, 0, 14, { 2, 0, 0, 0, 2, 1, 1, 1, 1, 1 }, ERR },          /* more than there are */
		{ 1, 0, 14, { 0xff, 0xff, 0xff, 0xff }, ERR },
		{ 1, 0, 14, { 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff }, ERR },
		{ 1, 0, 10, { 1, 0, 0, 0, 2, 1, 1, 1, 1, 1 }, ERR },          /* no second table */
		{ 1, 1, 6, { 1, 0, 0x5e, 0, 0, 1 }, ERR }, { 1, 1, 6, { 0 }, ERR },
		{ 2, 0, 2, { 0xff, 0x0f }, OK }, { 2, 0, 2, { 0, 0x10 }, ERR }, { 2, 1, 2, { 0xff, 0xff }, ERR },
		{ 4, 0, 2, { 0 }, ERR }, { 4, 0, 2, { 4 }, OK }, { 4, 0, 2, { 5 }, ERR },
		{ 4, 0, 2, { 0, 0x80 }, ERR },
		/* types 4, mask 2, unclassified 2, table, pairs 2, key length 1, key */
		{ 4, 1, 13, { 0, [10] = 1 }, OK },                     /* no type, no key */
		{ 4, 1, 13, { 0, [10] = 0 }, ERR }, { 4, 1, 13, { 0, [10] = 5 }, ERR },
		{ 4, 1, 13, { 0, [6] = 4, [10] = 1 }, ERR },            /* queues there are not */
		{ 4, 1, 13, { 0, [8] = 4, [10] = 1 }, ERR },
		{ 4, 1, 13, { 0x40, [10] = 1 }, ERR },                  /* a type not offered */
		{ 4, 1, 13, { 0, [7] = 1, [10] = 1 }, ERR },
		{ 4, 1, 17, { 0, 0, 0, 0, 2, [14] = 1 }, ERR },         /* three entries */
		{ 4, 1, 13, { 0, 0, 0, 0, 1, [10] = 1 }, ERR },         /* two, of which one is there */
		{ 4, 1, 13, { 0, 0, 0, 0, 0xff, 0x03, [10] = 1 }, ERR },
		{ 4, 1, 13, { 0, 0, 0, 0, 0xff, 0xff, [10] = 1 }, ERR },
		{ 4, 1, 13, { 0, [10] = 1, [12] = 1 }, ERR },           /* key that is not there */
		{ 4, 1, 48, { 0, [10] = 1, [12] = 35 }, OK },
		{ 4, 2, 13, { 0x3f }, OK }, { 4, 2, 13, { 0x80 }, ERR }, { 4, 2, 15, { 0x3f, 0, 0, 0, 1 }, ERR },
		{ 5, 0, 8, { 0 }, OK }, { 5, 0, 8, { 0x82 }, OK },
		{ 5, 0, 8, { 0x80 }, ERR },                             /* segments without checksums */
		{ 5, 0, 8, { 1 }, ERR },                                /* not the driver's side */
		{ 5, 0, 8, { 2, 0, 0, 0, 0, 0, 0, 0x80 }, ERR },
	};
	struct lab l;

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		int ack;

		lab_open(&l, ALL);
		ack = lab_ctrl(&l, rows[i].class, rows[i].cmd, rows[i].data, rows[i].len, NULL, 0);
		if (ack != rows[i].ack)
			fprintf(stderr, "row %u: %d\n", i, ack);
		CU_ASSERT(ack == rows[i].ack);
		lab_close(&l);
	}
	/* A key of more octets than the device takes. */
	{
		uint8_t data[13 + 41] = { 0, [10] = 1, [12] = 41 };

		refused(ALL, 4, 1, data, sizeof(data));
	}
}

static void nic_ctrl__takes_effect(void)
{
	const uint8_t mac[6] = { 2, 9, 9, 9, 9, 9 }, on = 1, off = 0;
	const uint64_t csum = NET(GUEST_CSUM);
	uint16_t pairs = 3, vlan = 77;
	struct vnic_config c;
	struct lab l;

	lab_open(&l, ALL);
	CU_ASSERT(lab_ctrl(&l, 1, 1, mac, 6, NULL, 0) == OK);
	CU_ASSERT(vnicd_nic_config(&l.nic, 0, &c, sizeof(c)) == 0 && memcmp(c.mac, mac, 6) == 0);
	CU_ASSERT(lab_ctrl(&l, 0, 0, &on, 1, NULL, 0) == OK && l.nic.promisc);
	CU_ASSERT(lab_ctrl(&l, 0, 0, &off, 1, NULL, 0) == OK && !l.nic.promisc);
	CU_ASSERT(lab_ctrl(&l, 2, 0, &vlan, 2, NULL, 0) == OK && l.nic.vlan[1] == UINT64_C(1) << 13);
	CU_ASSERT(lab_ctrl(&l, 2, 1, &vlan, 2, NULL, 0) == OK && l.nic.vlan[1] == 0);
	CU_ASSERT(lab_ctrl(&l, 4, 0, &pairs, 2, NULL, 0) == OK && l.nic.active_pairs == 3);
	CU_ASSERT(lab_ctrl(&l, 5, 0, &csum, 8, NULL, 0) == OK && l.nic.guest_offloads == csum);
	vnicd_nic_announce(&l.nic);
	CU_ASSERT(vnicd_nic_config(&l.nic, 0, &c, sizeof(c)) == 0 && c.status == 3);
	CU_ASSERT(lab_ctrl(&l, 3, 0, NULL, 0, NULL, 0) == OK);
	CU_ASSERT(vnicd_nic_config(&l.nic, 0, &c, sizeof(c)) == 0 && c.status == 1);
	vnicd_nic_reset(&l.nic);
	CU_ASSERT(vnicd_nic_config(&l.nic, 0, &c, sizeof(c)) == 0 && memcmp(c.mac, &l.nic.conf.mac, 6) == 0);
	CU_ASSERT(l.nic.active_pairs == 4 && l.nic.guest_offloads == 0);
	lab_close(&l);
}

/* RSS by the newer of two commands. */
static void nic_ctrl__pairs_end_rss(void)
{
	const uint8_t rss[13] = { 0, [10] = 2 };
	uint16_t pairs = 2;
	struct lab l;

	lab_open(&l, ALL);
	CU_ASSERT(lab_ctrl(&l, 4, 1, rss, sizeof(rss), NULL, 0) == OK && l.nic.rss && l.nic.active_pairs == 2);
	CU_ASSERT(lab_ctrl(&l, 4, 0, &pairs, 2, NULL, 0) == OK && !l.nic.rss);
	lab_close(&l);
}

/* ---- framing ------------------------------------------------------------------------------ */
/* Any layout: the request in single octets, the answer in the same chain. */
static void nic_ctrl__any_layout(void)
{
	const uint8_t request[] = { 1, 1, 2, 3, 3, 3, 3, 3 };
	struct lab_piece p[10];
	uint32_t used;
	struct lab l;
	uint16_t id;

	for (uint32_t size = 1; size <= sizeof(request); size++) {
		unsigned n = 0;

		for (uint32_t at = 0; at < sizeof(request); at += size)
			p[n++] = (struct lab_piece){ request + at,
						     RTE_MIN(size, (uint32_t)sizeof(request) - at), false };
		p[n++] = (struct lab_piece){ NULL, 7, true };
		lab_open(&l, ALL);
		id = lab_post(&l, vnicd_nic_ctrl_vq(&l.nic), p, n);
		vnicd_nic_ctrl(&l.nic);
		vnicd_nic_flush(&l.nic);
		CU_ASSERT(lab_used(&l, vnicd_nic_ctrl_vq(&l.nic), &used) == id);
		CU_ASSERT(used == 1 && l.nic.mac.addr_bytes[1] == 3);
		lab_close(&l);
	}
}

static void nic_ctrl__malformed_chains(void)
{
	static const uint8_t big[VNICD_CTRL_MAX + 1] = { 0, 0, 1 };
	static const struct {
		struct lab_piece p[2];
		unsigned n;
		uint32_t used;
	} rows[] = {
		{ { { big, 1, false }, { NULL, 1, true } }, 2, 1 },             /* no command */
		{ { { NULL, 1, true } }, 1, 1 },                                /* no request */
		{ { { big, 3, false } }, 1, 0 },                                /* no room for an answer */
		{ { { big, sizeof(big), false }, { NULL, 1, true } }, 2, 1 },   /* too long */
	};
	struct lab l;

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		uint16_t vq;
		uint32_t used = 99;

		lab_open(&l, ALL);
		vq = vnicd_nic_ctrl_vq(&l.nic);
		lab_post(&l, vq, rows[i].p, rows[i].n);
		vnicd_nic_ctrl(&l.nic);
		vnicd_nic_flush(&l.nic);
		CU_ASSERT(lab_used(&l, vq, &used) == 0 && used == rows[i].used);
		CU_ASSERT(l.nic.ctrl_ok == 0 && l.nic.ctrl_err == 1);
		lab_close(&l);
	}
}

static void nic_ctrl__queue_number(void)
{
	struct lab l;

	lab_open(&l, NET(CTRL_VQ) | NET(MQ));
	CU_ASSERT(vnicd_nic_ctrl_vq(&l.nic) == 8);
	lab_close(&l);
	lab_open(&l, NET(CTRL_VQ));
	CU_ASSERT(vnicd_nic_ctrl_vq(&l.nic) == 2);
	CU_ASSERT(lab_ctrl(&l, 0, 0, "\1", 1, NULL, 0) == ERR); /* served, CTRL_RX is not there */
	lab_close(&l);
	lab_open(&l, 0);
	CU_ASSERT(vnicd_nic_ctrl_vq(&l.nic) == 0);
	vnicd_nic_ctrl(&l.nic);
	lab_close(&l);
}

/* Commands of random octets. */
static void nic_ctrl__any_octets(void)
{
	uint64_t seed = 3;
	uint8_t data[80];
	struct lab l;

	lab_open(&l, ALL);
	for (unsigned i = 0; i < 50000; i++) {
		uint32_t len = (uint32_t)(test_random(&seed) % (i % 2 ? sizeof(data) : 10));

		for (uint32_t k = 0; k < len; k++)
			data[k] = (uint8_t)(test_random(&seed) % (k % 2 ? 3 : 256));
		CU_ASSERT(lab_ctrl(&l, test_random(&seed) % 10, test_random(&seed) % 7, data, len, NULL, 0) >= 0);
		CU_ASSERT(l.nic.active_pairs >= 1 && l.nic.active_pairs <= 4 && l.nic.reta_mask < VNICD_RETA_MAX);
		CU_ASSERT(l.nic.n_unicast + l.nic.n_multicast <= VNICD_MACS_MAX);
	}
	CU_ASSERT(l.nic.ctrl_ok > 100 && l.nic.ctrl_err > 100);
	lab_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(nic_ctrl__each_command),
	TEST_CASE(nic_ctrl__unknown),
	TEST_CASE(nic_ctrl__values),
	TEST_CASE(nic_ctrl__takes_effect),
	TEST_CASE(nic_ctrl__pairs_end_rss),
	TEST_CASE(nic_ctrl__any_layout),
	TEST_CASE(nic_ctrl__malformed_chains),
	TEST_CASE(nic_ctrl__queue_number),
	TEST_CASE(nic_ctrl__any_octets),
};
TEST_MAIN("nic_ctrl", cases)
