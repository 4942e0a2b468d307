/* SPDX-License-Identifier: BSD-3-Clause */
/* Device statistics of a whole port, against the scripted device. */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pmd/virtio/devstats_private.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

#define NONE UINT64_MAX /* no such xstat */
#define OFFLOADS_RX (RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO)
#define OFFLOADS_TX (RTE_ETH_TX_OFFLOAD_TCP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_TSO)

static void open_pairs(struct port_lab *l, uint16_t pairs, bool offloads, const char *args)
{
	port_probe_pairs(l, pairs, 0, args);
	l->rx_offloads = offloads ? OFFLOADS_RX : 0;
	l->tx_offloads = offloads ? OFFLOADS_TX : 0;
	CU_ASSERT_FATAL(port_start(l) == 0);
}

/* The value as it is known now, without asking the device. */
static uint64_t shown(const struct port_lab *l, const char *name)
{
	unsigned n = vnic_devstats_count(l->d);
	struct rte_eth_xstat_name *names = calloc(n + 1, sizeof(*names));
	struct rte_eth_xstat *values = calloc(n + 1, sizeof(*values));
	uint64_t value = NONE;

	CU_ASSERT_FATAL(names != NULL && values != NULL);
	vnic_devstats_names(l->d, names);
	vnic_devstats_values(l->d, values);
	for (unsigned i = 0; i < n; i++)
		if (strcmp(names[i].name, name) == 0)
			value = values[i].value;
	free(names);
	free(values);
	return value;
}

static bool becomes(const struct port_lab *l, const char *name, uint64_t value)
{
	return TEST_SOON(shown(l, name) == value);
}

/* Ask anew and wait for the answer. */
static bool refresh(const struct port_lab *l)
{
	uint64_t before = shown(l, "hw_stats_refreshes");

	vnic_devstats_refresh(l->d, 0);
	return becomes(l, "hw_stats_refreshes", before + 1);
}

/* ---- what is listed ------------------------------------------------------------------------ */

static void list__what_the_device_supports(void)
{
	static const struct {
		const char *name;
		bool always, offloads;
	} rows[] = {
		{ "rx_q0_hw_packets", true, true }, { "rx_q1_hw_drop_overruns", true, true },
		{ "rx_q1_hw_csum_valid", false, true }, { "rx_q0_hw_needs_csum", false, true },
		{ "rx_q0_hw_gso_packets_coalesced", false, true }, { "rx_q0_hw_ratelimit_packets", true, true },
		{ "tx_q0_hw_drop_malformed", true, true }, { "tx_q1_hw_notifications", true, true },
		{ "tx_q0_hw_csum_none", false, true }, { "tx_q1_hw_gso_bytes_noseg", false, true },
		{ "tx_q1_hw_ratelimit_bytes", true, true }, { "cq_hw_command_num", true, true },
		{ "cq_hw_ok_num", true, true }, { "hw_stats_errors", true, true },
		{ "rx_q2_hw_packets", false, false }, { "tx_q0_hw_drop_overruns", false, false },
	};

	for (unsigned offloads = 0; offloads < 2; offloads++) {
		struct port_lab l;

		open_pairs(&l, 2, offloads, NULL);
		for (unsigned i = 0; i < RTE_DIM(rows); i++) {
			bool there = port_xstat(&l, rows[i].name) != NONE;

			if (there != (offloads ? rows[i].offloads : rows[i].always))
				printf("%s with offloads %u\n", rows[i].name, offloads);
			CU_ASSERT_EQUAL(there, offloads ? rows[i].offloads : rows[i].always);
		}
		CU_ASSERT_EQUAL(vnic_devstats_count(l.d), offloads ? 2 * 16 + 2 * 16 + 2 + 6 : 2 * 8 + 2 * 8 + 2 + 6);
		port_close(&l);
	}
}

static void list__nothing_without_the_feature(void)
{
	struct port_lab l;
	uint64_t seen;

	port_new(&l, NULL);
	l.s->hide_features = VIRTIO_BIT(VIRTIO_NET_F_DEVICE_STATS);
	CU_ASSERT_FATAL(port_probe(&l, "stats_ms=5") == 0);
	CU_ASSERT_FATAL(port_start(&l) == 0);
	seen = l.s->ctrl_seen;
	CU_ASSERT_EQUAL(vnic_devstats_count(l.d), 0);
	CU_ASSERT(port_xstat(&l, "rx_q0_hw_packets") == NONE && port_xstat(&l, "hw_stats_errors") == NONE);
	usleep(20000);
	CU_ASSERT_EQUAL(l.s->ctrl_seen, seen);
	port_close(&l);
}

/* ---- the first question ----------------------------------------------------------------------- */

/* A device that is asked nothing but QUERY when it starts. */
static void probe_quiet(struct port_lab *l, const char *args)
{
	port_new(l, NULL);
	l->s->hide_features = VIRTIO_BIT(VIRTIO_NET_F_MQ) | VIRTIO_BIT(VIRTIO_NET_F_RSS) |
			      VIRTIO_BIT(VIRTIO_NET_F_HASH_REPORT) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX) |
			      VIRTIO_BIT(VIRTIO_NET_F_CTRL_MAC_ADDR);
	CU_ASSERT_FATAL(port_probe(l, args) == 0);
}

static void *start_port(void *arg)
{
	CU_ASSERT_FATAL(port_start(arg) == 0);
	return NULL;
}

static void query__any_answer(void)
{
	static const struct {
		uint8_t octets[9]; /* the ack first */
		uint32_t len;
		unsigned n;
		const char *there;
	} rows[] = {
		{ { 0, 1, 0, 0, 0, 0, 0, 0, 0 }, 9, 6 + 6, "rx_q0_hw_packets" },
		{ { 0, 0, 0, 8, 0, 0, 0, 0, 0 }, 9, 2 + 6, "tx_q0_hw_ratelimit_bytes" },
		{ { 0, 0xf0, 0xff, 0xf0, 0xff, 1, 0, 0, 0x80 }, 9, 2 + 6, "cq_hw_ok_num" }, /* unknown ones beside */
		{ { 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, 9, 16 + 16 + 2 + 6, "tx_q0_hw_csum_none" },
		{ { 0, 0, 0, 0, 0, 0, 0, 0, 0 }, 9, 0, NULL },
		{ { 0 }, 1, 0, NULL },
		{ { 1 }, 1, 0, NULL },
		{ { 2, 0xff, 0xff, 0xff, 0xff }, 5, 0, NULL },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct port_lab l;
		pthread_t thread;

		probe_quiet(&l, NULL);
		l.s->ctrl_manual = true;
		CU_ASSERT_FATAL(pthread_create(&thread, NULL, start_port, &l) == 0);
		scripted_ctrl_garbage(l.s, port_next_command(&l), rows[i].octets, rows[i].len, rows[i].len);
		pthread_join(thread, NULL);
		l.s->ctrl_manual = false;
		CU_ASSERT_EQUAL(vnic_devstats_count(l.d), rows[i].n);
		CU_ASSERT(rows[i].there == NULL || shown(&l, rows[i].there) == 0);
		vnic_devstats_refresh(l.d, 0); /* what it cannot answer it refuses */
		CU_ASSERT(port_works(&l, 0));
		port_close(&l);
	}
}

static void query__never_answered(void)
{
	struct port_lab l;

	probe_quiet(&l, "reply_ms=50");
	l.s->ctrl_silent = true;
	CU_ASSERT_EQUAL(port_start(&l), -ETIMEDOUT);
	l.s->ctrl_silent = false;
	port_close(&l);
}

/* ---- asking -------------------------------------------------------------------------------- */

static void refresh__what_the_device_counted(void)
{
	struct vnicd_queue_stats rx, tx;
	struct port_lab l;

	open_pairs(&l, 2, false, NULL);
	for (unsigned i = 0; i < 5; i++)
		CU_ASSERT(port_works(&l, 0));
	CU_ASSERT(refresh(&l));
	vnicd_nic_queue_stats(&l.s->nic, 0, &rx);
	vnicd_nic_queue_stats(&l.s->nic, 1, &tx);
	CU_ASSERT_EQUAL(rx.packets, 5);
	CU_ASSERT(shown(&l, "rx_q0_hw_packets") == 5 && shown(&l, "rx_q0_hw_bytes") == rx.bytes);
	CU_ASSERT(shown(&l, "tx_q0_hw_packets") == 5 && shown(&l, "tx_q0_hw_bytes") == tx.bytes);
	CU_ASSERT(shown(&l, "rx_q1_hw_packets") == 0 && shown(&l, "tx_q1_hw_packets") == 0);
	CU_ASSERT(shown(&l, "cq_hw_command_num") > 0);
	CU_ASSERT(shown(&l, "hw_stats_errors") == 0 && shown(&l, "hw_stats_failed") == 0);
	port_close(&l);
}

static void refresh__octets_of_the_request(void)
{
	static const uint8_t octets[] = {
		8, 1,
		0, 0, 0, 0, 0, 0, 0, 0, 0x0f, 0, 0, 0, 0, 0, 0, 0,
		1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0f, 0, 0, 0, 0, 0,
		2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
	};
	struct vnicd_ctrl_cmd *cmd;
	struct port_lab l;

	open_pairs(&l, 1, true, NULL);
	l.s->ctrl_manual = true;
	vnic_devstats_refresh(l.d, 0);
	cmd = port_next_command(&l);
	CU_ASSERT(cmd->len == sizeof(octets) && memcmp(cmd->data, octets, sizeof(octets)) == 0);
	scripted_ctrl_answer(l.s, cmd, true, 0);
	CU_ASSERT(becomes(&l, "hw_stats_refreshes", 1));
	l.s->ctrl_manual = false;
	port_close(&l);
}

static void refresh__not_sooner_than_asked(void)
{
	struct port_lab l;
	uint64_t seen;

	open_pairs(&l, 1, false, NULL);
	CU_ASSERT(refresh(&l));
	seen = l.s->ctrl_seen;
	vnic_devstats_refresh(l.d, 10000);
	usleep(20000);
	CU_ASSERT_EQUAL(l.s->ctrl_seen, seen);
	usleep(100000);
	CU_ASSERT(shown(&l, "hw_stats_age_ms") >= 100 && shown(&l, "hw_stats_age_ms") < 60000);
	/* xstats show what is there, and ask for what comes next. */
	CU_ASSERT(port_works(&l, 0));
	CU_ASSERT(port_xstat(&l, "rx_q0_hw_packets") <= 1); /* the answer may have come by now */
	CU_ASSERT(becomes(&l, "rx_q0_hw_packets", 1));
	/* Twice on a machine that is busy for 100 ms. */
	CU_ASSERT(l.s->ctrl_seen > seen && l.s->ctrl_seen <= seen + 2);
	port_close(&l);
}

static void refresh__by_itself(void)
{
	struct port_lab l;
	uint64_t seen;

	open_pairs(&l, 1, false, "stats_ms=10");
	CU_ASSERT(TEST_SOON(shown(&l, "hw_stats_refreshes") >= 5));
	CU_ASSERT_EQUAL(rte_eth_dev_stop(l.port), 0);
	seen = l.s->ctrl_seen;
	usleep(30000);
	CU_ASSERT_EQUAL(l.s->ctrl_seen, seen);
	port_close(&l);
}

/* 129 queues: five commands, three of them in flight at a time, and nobody waits. */
static void refresh__many_queues(void)
{
	struct vnicd_ctrl_cmd *cmd[3];
	struct port_lab l;

	open_pairs(&l, 64, true, NULL);
	l.s->ctrl_manual = true;
	vnic_devstats_refresh(l.d, 0);
	vnic_devstats_refresh(l.d, 0); /* under way already */
	for (unsigned i = 0; i < 3; i++)
		cmd[i] = port_next_command(&l);
	usleep(20000);
	CU_ASSERT(scripted_ctrl_take(l.s) == NULL);
	/* Not in the order they came, where the ring lets the device choose. */
	for (unsigned i = 0; i < 3; i++)
		scripted_ctrl_answer(l.s, cmd[i], true, 0);
	for (unsigned i = 0; i < 2; i++)
		scripted_ctrl_answer(l.s, port_next_command(&l), true, 0);
	CU_ASSERT(becomes(&l, "hw_stats_refreshes", 1));
	CU_ASSERT(scripted_ctrl_take(l.s) == NULL);
	CU_ASSERT(shown(&l, "rx_q63_hw_notifications") > 0);
	CU_ASSERT(shown(&l, "cq_hw_command_num") > 0);
	CU_ASSERT_EQUAL(shown(&l, "hw_stats_errors"), 0);
	l.s->ctrl_manual = false;
	port_close(&l);
}

/* Others hold every slot: it goes on when there is room. */
static void refresh__no_room(void)
{
	static const uint8_t on = 1;
	const struct vnic_ctrl_request req = { .class = VIRTIO_NET_CTRL_RX, .cmd = VIRTIO_NET_CTRL_RX_PROMISC,
					       .group = VNIC_CTRL_RX_MODE, .data = &on, .len = 1 };
	struct port_lab l;

	open_pairs(&l, 1, false, NULL);
	l.s->ctrl_manual = true;
	while (vnic_ctrl_submit(l.d->ctrl, &req, NULL) == 0)
		;
	vnic_devstats_refresh(l.d, 0);
	usleep(20000);
	CU_ASSERT_EQUAL(shown(&l, "hw_stats_refreshes"), 0);
	l.s->ctrl_manual = false;
	vnic_ctrl_flush(l.d->ctrl);
	scripted_ctrl_serve(l.s);
	CU_ASSERT(becomes(&l, "hw_stats_refreshes", 1));
	port_close(&l);
}

/* ---- answers that are wrong ---------------------------------------------------------------- */

static void answer__refused(void)
{
	struct port_lab l;

	open_pairs(&l, 1, false, NULL);
	CU_ASSERT(port_works(&l, 0) && refresh(&l));
	l.s->ctrl_ack = VIRTIO_NET_ERR;
	CU_ASSERT(port_works(&l, 0) && refresh(&l));
	CU_ASSERT(shown(&l, "rx_q0_hw_packets") == 1 && shown(&l, "hw_stats_failed") >= 1);
	l.s->ctrl_ack = 0;
	CU_ASSERT(refresh(&l));
	CU_ASSERT_EQUAL(shown(&l, "rx_q0_hw_packets"), 2);
	port_close(&l);
}

/* ---- a device that refuses single queues and types -------------------------------------------- */

#define PAIRS    64
#define COMMANDS 5 /* of a round for so many pairs */

/* Is one of the types asked for one of the queues from first on, by step? */
static bool asks_for(const struct vnicd_ctrl_cmd *cmd, uint16_t first, uint16_t last, uint64_t types)
{
	struct vnic_ctrl_stats_request r;

	for (uint32_t at = 2; at + sizeof(r) <= cmd->len; at += sizeof(r)) {
		uint16_t vq;

		memcpy(&r, cmd->data + at, sizeof(r));
		vq = rte_le_to_cpu_16(r.vq_index);
		if (vq >= first && vq <= last && (rte_le_to_cpu_64(r.types_bitmap) & types) != 0)
			return true;
	}
	return false;
}

/* A round of questions to a device that refuses commands with these; each of its queues has had as many
 * interrupts as value says, more by its number. Returns the commands that it took. */
static unsigned round_with(struct port_lab *l, uint16_t first, uint16_t last, uint64_t types, uint64_t value)
{
	uint64_t before = shown(l, "hw_stats_refreshes");
	struct vnicd_ctrl_cmd *cmd;
	unsigned n = 0;

	for (uint16_t vq = 0; vq < 2 * PAIRS; vq++)
		l->s->nic.queue[vq].stats.interrupts = value + vq;
	vnic_devstats_refresh(l->d, 0);
	for (unsigned i = 0; i < 5 * TEST_PATIENCE_MS && shown(l, "hw_stats_refreshes") == before; i++) {
		for (; (cmd = scripted_ctrl_take(l->s)) != NULL; n++, i = 0)
			scripted_ctrl_answer(l->s, cmd, !asks_for(cmd, first, last, types), VIRTIO_NET_ERR);
		usleep(200);
	}
	CU_ASSERT_EQUAL(shown(l, "hw_stats_refreshes"), before + 1);
	return n;
}

/* Do all queues but this one show it? */
static bool all_show(const struct port_lab *l, uint64_t value, unsigned but)
{
	const struct vnic_devstats *k = l->d->devstats;

	for (unsigned vq = 0; vq < 2 * PAIRS; vq++)
		if (vq != but && k->queue[vq].value[0][3] != value + vq)
			return false;
	return true;
}

static void refused__one_type_of_one_queue(void)
{
	struct port_lab l;
	uint64_t failed;

	open_pairs(&l, PAIRS, true, NULL);
	l.s->ctrl_manual = true;
	/* Halves five times, then the types: two and two, one and one. */
	CU_ASSERT(round_with(&l, 70, 70, 1 << VIRTIO_NET_STATS_TYPE_RX_SPEED, 1000) <= COMMANDS + 2 * (5 + 2));
	CU_ASSERT(all_show(&l, 1000, UINT_MAX));
	CU_ASSERT_EQUAL(shown(&l, "hw_stats_left_out"), 1);
	failed = shown(&l, "hw_stats_failed");
	CU_ASSERT_EQUAL(failed, 1 + 5 + 2);
	/* Remembered: the queue's other types are asked for with all the others. */
	CU_ASSERT_EQUAL(round_with(&l, 70, 70, 1 << VIRTIO_NET_STATS_TYPE_RX_SPEED, 2000), COMMANDS);
	CU_ASSERT(all_show(&l, 2000, UINT_MAX));
	CU_ASSERT(shown(&l, "hw_stats_left_out") == 1 && shown(&l, "hw_stats_failed") == failed);
	/* For a while only, then for twice as long: the device may have thought better of it. */
	CU_ASSERT_EQUAL(l.d->devstats->queue[70].left_out_ms, DEVSTATS_LEFT_OUT_MS);
	l.d->devstats->queue[70].left_out_until = 0;
	CU_ASSERT(round_with(&l, 70, 70, 1 << VIRTIO_NET_STATS_TYPE_RX_SPEED, 2500) > COMMANDS);
	CU_ASSERT_EQUAL(l.d->devstats->queue[70].left_out_ms, 2 * DEVSTATS_LEFT_OUT_MS);
	failed = shown(&l, "hw_stats_failed");
	l.d->devstats->queue[70].left_out_until = 0;
	CU_ASSERT_EQUAL(round_with(&l, 1, 0, 0, 3000), COMMANDS);
	CU_ASSERT(all_show(&l, 3000, UINT_MAX) && shown(&l, "hw_stats_left_out") == 0);
	CU_ASSERT(shown(&l, "hw_stats_failed") == failed && l.d->devstats->queue[70].left_out_ms == 0);
	l.s->ctrl_manual = false;
	port_close(&l);
}

static void refused__one_queue(void)
{
	struct port_lab l;

	open_pairs(&l, PAIRS, false, NULL);
	l.s->ctrl_manual = true;
	round_with(&l, 1, 0, 0, 1000);
	CU_ASSERT(round_with(&l, 127, 127, UINT64_MAX, 2000) <= COMMANDS + 2 * (5 + 1));
	CU_ASSERT(all_show(&l, 2000, 127) && l.d->devstats->queue[127].value[0][3] == 1000 + 127);
	CU_ASSERT_EQUAL(shown(&l, "hw_stats_left_out"), 2); /* both of its types */
	CU_ASSERT_EQUAL(round_with(&l, 127, 127, UINT64_MAX, 3000), COMMANDS);
	CU_ASSERT(all_show(&l, 3000, 127));
	/* A start forgets it. */
	l.s->ctrl_manual = false;
	CU_ASSERT_EQUAL(rte_eth_dev_stop(l.port), 0);
	CU_ASSERT_EQUAL(rte_eth_dev_start(l.port), 0);
	CU_ASSERT_EQUAL(shown(&l, "hw_stats_left_out"), 0);
	port_close(&l);
}

/* A type that the device claims to have and refuses of every queue: found in some rounds, each bounded. */
static void refused__one_type_of_all(void)
{
	uint64_t value = 1000;
	struct port_lab l;

	open_pairs(&l, PAIRS, false, NULL);
	l.s->ctrl_manual = true;
	for (unsigned i = 0; i < 12 && shown(&l, "hw_stats_left_out") < PAIRS; i++, value += 1000)
		CU_ASSERT(round_with(&l, 0, 127, 1 << VIRTIO_NET_STATS_TYPE_RX_SPEED, value) <=
			  COMMANDS + 2 * DEVSTATS_SPLITS);
	CU_ASSERT_EQUAL(shown(&l, "hw_stats_left_out"), PAIRS);
	CU_ASSERT_EQUAL(round_with(&l, 0, 127, 1 << VIRTIO_NET_STATS_TYPE_RX_SPEED, value), COMMANDS);
	CU_ASSERT(all_show(&l, value, UINT_MAX));
	l.s->ctrl_manual = false;
	port_close(&l);
}

/* Everything refused says nothing of single queues. */
static void refused__everything(void)
{
	struct port_lab l;

	open_pairs(&l, PAIRS, false, NULL);
	l.s->ctrl_manual = true;
	CU_ASSERT(round_with(&l, 0, UINT16_MAX, UINT64_MAX, 1000) <= COMMANDS + 2 * DEVSTATS_SPLITS);
	CU_ASSERT_EQUAL(shown(&l, "hw_stats_left_out"), 0);
	CU_ASSERT_EQUAL(round_with(&l, 0, UINT16_MAX, UINT64_MAX, 2000), COMMANDS);
	CU_ASSERT_EQUAL(round_with(&l, 1, 0, 0, 3000), COMMANDS);
	CU_ASSERT(all_show(&l, 3000, UINT_MAX));
	/* From then on refusals are looked into again. */
	CU_ASSERT(round_with(&l, 0, 0, UINT64_MAX, 4000) > COMMANDS);
	CU_ASSERT(all_show(&l, 4000, 0) && shown(&l, "hw_stats_left_out") == 2);
	l.s->ctrl_manual = false;
	port_close(&l);
}

/* Behind the ack. The queue's numbers stay where nothing sound was said of them. */
static void answer__what_is_wrong_is_counted(void)
{
	static const struct {
		uint8_t octets[96];
		uint32_t len, used;
		unsigned errors;
		uint64_t interrupts; /* of rx_q0 */
	} rows[] = {
		{ { 0, /**/ 0, 0, 0, 0, 0, 0, 40, 0, [33] = 7 }, 41, 41, 0, 7 },
		{ { 0, /**/ 0, 0, 0, 0, 0, 0, 40, 0, [33] = 8 }, 41, 1, 0, 8 },          /* used.len of a liar */
		{ { 0, /**/ 0, 0, 0, 0, 0, 0, 40, 0, [33] = 9 }, 41, 0xffffffff, 0, 9 },
		{ { 0 }, 1, 1, 0, 9 },                                                   /* nothing at all */
		{ { 0, /**/ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 40, 40, 0, 9 },
		{ { 0, /**/ 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 1, 1 }, 90, 90, 1, 9 },
		{ { 0, /**/ 77, 0, 0, 0, 0, 0, 16, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 40, 0, [49] = 10 },
		  57, 57, 1, 10 },                                                       /* unknown, then one to heed */
		{ { 0, /**/ 0, 0, 4, 0, 0, 0, 40, 0, [33] = 99 }, 41, 41, 1, 10 },       /* another queue's */
		{ { 0, /**/ 0, 0, 0, 0, 0, 0, 40, 0 }, 20, 20, 1, 10 },                  /* cut off */
		{ { 0, /**/ 0, 0, 0, 0, 0, 0, 16, 0 }, 17, 17, 0, 10 },                  /* fewer than we know */
		{ { 0, /**/ 0, 0, 0, 0, 0, 0, 40, 0, [33] = 11 }, 41, 41, 0, 11 },       /* as if nothing had been */
	};
	struct port_lab l;
	uint64_t errors = 0;

	open_pairs(&l, 1, false, NULL);
	l.s->ctrl_manual = true;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		vnic_devstats_refresh(l.d, 0);
		scripted_ctrl_garbage(l.s, port_next_command(&l), rows[i].octets, rows[i].len, rows[i].used);
		CU_ASSERT(becomes(&l, "hw_stats_refreshes", i + 1));
		errors += rows[i].errors;
		if (shown(&l, "hw_stats_errors") != errors || shown(&l, "rx_q0_hw_interrupts") != rows[i].interrupts)
			printf("row %u\n", i);
		CU_ASSERT_EQUAL(shown(&l, "hw_stats_errors"), errors);
		CU_ASSERT_EQUAL(shown(&l, "rx_q0_hw_interrupts"), rows[i].interrupts);
		CU_ASSERT_EQUAL(shown(&l, "rx_q0_hw_packets"), 0);
	}
	l.s->ctrl_manual = false;
	CU_ASSERT(port_works(&l, 0));
	port_close(&l);
}

/* A device that never answers: everything else goes on. */
static void answer__never(void)
{
	struct port_lab l;

	open_pairs(&l, 1, false, "stats_ms=5");
	usleep(20000);
	l.s->ctrl_silent = true;
	usleep(20000);
	for (unsigned i = 0; i < 10; i++)
		CU_ASSERT(port_xstat(&l, "rx_q0_hw_packets") == 0);
	CU_ASSERT(port_works(&l, 0));
	CU_ASSERT_EQUAL(rte_eth_dev_stop(l.port), 0);
	l.s->ctrl_silent = false;
	CU_ASSERT_EQUAL(rte_eth_dev_start(l.port), 0);
	CU_ASSERT(port_works(&l, 0));
	CU_ASSERT(becomes(&l, "rx_q0_hw_packets", 1));
	port_close(&l);
}

/* The device loses an answer: others are asked again, and the device is not taken for broken. */
static void set_patience(struct port_lab *l, uint32_t ms)
{
	pthread_mutex_lock(&l->d->devstats->lock);
	l->d->devstats->patience_ms = l->d->devstats->patience_min_ms = ms;
	pthread_mutex_unlock(&l->d->devstats->lock);
}

static struct vnicd_ctrl_cmd *next_command(struct port_lab *l)
{
	struct vnicd_ctrl_cmd *cmd = NULL;

	for (unsigned i = 0; i < 2000 && (cmd = scripted_ctrl_take(l->s)) == NULL; i++)
		usleep(1000);
	return cmd;
}

static void answer__lost(void)
{
	struct vnicd_ctrl_cmd *late[DEVSTATS_LOST], *cmd;
	struct port_lab l;

	open_pairs(&l, 1, false, "stats_ms=0");
	CU_ASSERT(refresh(&l));
	set_patience(&l, 30);
	l.s->ctrl_manual = true;
	for (unsigned i = 0; i < DEVSTATS_LOST; i++) {
		vnic_devstats_refresh(l.d, 0);
		late[i] = next_command(&l);
		CU_ASSERT_PTR_NOT_NULL_FATAL(late[i]);
		CU_ASSERT(becomes(&l, "hw_stats_lost", i + 1));
		set_patience(&l, 30);
	}
	/* Fresh values all the same; what they were before comes too late, and is not shown. */
	CU_ASSERT(port_works(&l, 0));
	vnic_devstats_refresh(l.d, 0);
	cmd = next_command(&l);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cmd);
	usleep(60000); /* beyond all patience: the last one is waited for */
	CU_ASSERT_EQUAL(shown(&l, "hw_stats_lost"), DEVSTATS_LOST);
	scripted_ctrl_answer(l.s, cmd, true, 0);
	CU_ASSERT(becomes(&l, "rx_q0_hw_packets", 1));
	CU_ASSERT_EQUAL(l.d->state, VNIC_RUNNING);
	for (unsigned i = 0; i < DEVSTATS_LOST; i++)
		scripted_ctrl_answer(l.s, late[i], true, 0);
	set_patience(&l, 5000);
	CU_ASSERT(port_works(&l, 0));
	vnic_devstats_refresh(l.d, 0);
	cmd = next_command(&l);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cmd);
	scripted_ctrl_answer(l.s, cmd, true, 0);
	CU_ASSERT(becomes(&l, "rx_q0_hw_packets", 2));
	CU_ASSERT_EQUAL(shown(&l, "hw_stats_lost"), DEVSTATS_LOST);
	for (unsigned i = 0; i < RTE_DIM(l.d->devstats->command); i++)
		CU_ASSERT_FALSE(l.d->devstats->command[i].busy);
	CU_ASSERT(shown(&l, "hw_stats_age_ms") < 2000);
	port_close(&l);
}

/* Slow, and not deaf: it is given the time that it takes. */
static void answer__slow(void)
{
	struct vnicd_ctrl_cmd *cmd;
	struct port_lab l;
	uint64_t rounds;

	open_pairs(&l, 1, false, "stats_ms=0");
	CU_ASSERT(refresh(&l));
	set_patience(&l, 30);
	l.s->ctrl_manual = true;
	vnic_devstats_refresh(l.d, 0);
	cmd = next_command(&l);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cmd);
	CU_ASSERT(becomes(&l, "hw_stats_lost", 1));
	usleep(100000);
	scripted_ctrl_answer(l.s, cmd, true, 0);
	for (unsigned i = 0; i < 2000 && l.d->devstats->patience_ms < 200; i++)
		usleep(1000);
	CU_ASSERT(l.d->devstats->patience_ms >= 200);
	rounds = shown(&l, "hw_stats_refreshes");
	vnic_devstats_refresh(l.d, 0);
	cmd = next_command(&l);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cmd);
	usleep(100000);
	scripted_ctrl_answer(l.s, cmd, true, 0);
	CU_ASSERT(becomes(&l, "hw_stats_refreshes", rounds + 1));
	CU_ASSERT_EQUAL(shown(&l, "hw_stats_lost"), 1);
	port_close(&l);
}

/* ---- resets ---------------------------------------------------------------------------------- */

static void reset__begins_here(void)
{
	struct port_lab l;

	open_pairs(&l, 1, false, NULL);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT(port_works(&l, 0));
	CU_ASSERT(refresh(&l));
	CU_ASSERT_EQUAL(rte_eth_xstats_reset(l.port), 0);
	CU_ASSERT(shown(&l, "rx_q0_hw_packets") == 0 && shown(&l, "tx_q0_hw_packets") == 0);
	CU_ASSERT(port_works(&l, 0) && refresh(&l));
	CU_ASSERT(shown(&l, "rx_q0_hw_packets") == 1 && shown(&l, "tx_q0_hw_packets") == 1);
	port_close(&l);
}

/* The device begins at 0 again, as does a queue of it: what is shown goes on. */
static void reset__device_and_queue(void)
{
	struct port_lab l;

	open_pairs(&l, 1, false, NULL);
	CU_ASSERT(port_works(&l, 0) && port_works(&l, 0) && refresh(&l));
	CU_ASSERT_EQUAL(rte_eth_dev_stop(l.port), 0);
	CU_ASSERT_EQUAL(shown(&l, "rx_q0_hw_packets"), 2);
	CU_ASSERT_EQUAL(rte_eth_dev_start(l.port), 0);
	CU_ASSERT_EQUAL(shown(&l, "rx_q0_hw_packets"), 2);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT(port_works(&l, 0));
	CU_ASSERT(refresh(&l));
	CU_ASSERT(shown(&l, "rx_q0_hw_packets") == 5 && shown(&l, "tx_q0_hw_packets") == 5);
	memset(&l.s->nic.queue[0].stats, 0, sizeof(l.s->nic.queue[0].stats));
	CU_ASSERT(port_works(&l, 0) && refresh(&l));
	CU_ASSERT(shown(&l, "rx_q0_hw_packets") == 6 && shown(&l, "tx_q0_hw_packets") == 6);
	/* Round the corner of 2^64, from 1 to 3. */
	for (uint64_t v = 1; v <= 4; v++) {
		l.s->nic.queue[0].stats.packets = v < 4 ? v << 62 : 3;
		CU_ASSERT(refresh(&l));
	}
	CU_ASSERT_EQUAL(shown(&l, "rx_q0_hw_packets"), 8);
	port_close(&l);
}

static void reset__back_end_returns(void)
{
	struct port_lab l;

	open_pairs(&l, 1, false, NULL);
	CU_ASSERT(port_works(&l, 0) && refresh(&l));
	scripted_die(l.s);
	(void)TEST_SOON(l.d->state == VNIC_LOST);
	vnic_devstats_refresh(l.d, 0);
	CU_ASSERT_EQUAL(port_xstat(&l, "rx_q0_hw_packets"), 1);
	scripted_return(l.s);
	(void)TEST_SOON(l.d->state == VNIC_RUNNING);
	CU_ASSERT(refresh(&l));
	CU_ASSERT_EQUAL(shown(&l, "rx_q0_hw_packets"), 1);
	port_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(list__what_the_device_supports),
	TEST_CASE(list__nothing_without_the_feature),
	TEST_CASE(query__any_answer),
	TEST_CASE(query__never_answered),
	TEST_CASE(refresh__what_the_device_counted),
	TEST_CASE(refresh__octets_of_the_request),
	TEST_CASE(refresh__not_sooner_than_asked),
	TEST_CASE(refresh__by_itself),
	TEST_CASE(refresh__many_queues),
	TEST_CASE(refresh__no_room),
	TEST_CASE(answer__refused),
	TEST_CASE(refused__one_type_of_one_queue),
	TEST_CASE(refused__one_queue),
	TEST_CASE(refused__one_type_of_all),
	TEST_CASE(refused__everything),
	TEST_CASE(answer__what_is_wrong_is_counted),
	TEST_CASE(answer__never),
	TEST_CASE(answer__lost),
	TEST_CASE(answer__slow),
	TEST_CASE(reset__begins_here),
	TEST_CASE(reset__device_and_queue),
	TEST_CASE(reset__back_end_returns),
};
TEST_MAIN("virtio_devstats", cases)
