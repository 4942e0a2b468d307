/* SPDX-License-Identifier: BSD-3-Clause */
/* A port's life: made, started, stopped, broken, reset, lost and found, closed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/virtio/eth_lab.h"

/* ---- made ---------------------------------------------------------------------------------- */

static const struct {
	uint8_t off, len, data[4];
} bad_config[] = {
	{ 0, 1, { 0x01 } },        /* a multicast address */
	{ 8, 2, { 0, 0 } },        /* pairs */
	{ 8, 2, { 0x01, 0x80 } },
	{ 10, 2, { 67, 0 } },      /* MTU */
	{ 17, 1, { 39 } },         /* RSS key */
	{ 18, 2, { 127, 0 } },     /* RSS table */
};

static void probe__bad_configuration(void)
{
	for (unsigned i = 0; i < RTE_DIM(bad_config); i++) {
		struct eth_lab lab;

		eth_lab_create(&lab, 2, NULL);
		lab.s->config_override.off = bad_config[i].off;
		lab.s->config_override.len = bad_config[i].len;
		memcpy(lab.s->config_override.data, bad_config[i].data, bad_config[i].len);
		CU_ASSERT(eth_lab_probe(&lab) == -EINVAL);
		CU_ASSERT(lab.s->closes > 0 && lab.s->setups == 0);
		eth_lab_end(&lab);
	}
}

/* Not offered: not read. Offset and length of the field of each feature. */
static const struct {
	uint64_t hide;
	uint32_t octets;
} fields[] = {
	{ NF(MAC), 0x3f << 0 },
	{ NF(STATUS), 3u << 6 },
	{ NF(MQ) | NF(RSS), 3u << 8 },
	{ NF(MTU), 3u << 10 },
	{ NF(SPEED_DUPLEX), 0x1fu << 12 },
	{ NF(RSS) | NF(HASH_REPORT), 0x7fu << 17 },
	{ NF(RSS), 3u << 18 },
};

static void probe__fields_not_offered(void)
{
	for (unsigned i = 0; i < RTE_DIM(fields); i++) {
		struct eth_lab lab;

		eth_lab_create(&lab, 2, NULL);
		lab.s->hide_features = fields[i].hide;
		CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
		CU_ASSERT_FATAL(eth_lab_configure(&lab, 1, 64, NULL) == 0);
		CU_ASSERT_FATAL(rte_eth_dev_start(lab.port) == 0);
		CU_ASSERT((lab.s->config_bits & fields[i].octets) == 0);
		CU_ASSERT(eth_lab_traffic(&lab, 0, 3));
		eth_lab_end(&lab);
	}
}

static void probe__refused(void)
{
	struct eth_lab lab;

	eth_lab_create(&lab, 1, NULL);
	lab.s->generation_moves = true;
	CU_ASSERT(eth_lab_probe(&lab) == -EAGAIN);
	eth_lab_end(&lab);
	eth_lab_create(&lab, 1, NULL);
	lab.s->hide_features = RF(VERSION_1);
	CU_ASSERT(eth_lab_probe(&lab) == -ENOTSUP);
	eth_lab_end(&lab);
	eth_lab_create(&lab, 1, NULL);
	lab.s->open_rc = -ETIMEDOUT;
	CU_ASSERT(eth_lab_probe(&lab) == -ETIMEDOUT);
	eth_lab_end(&lab);
	eth_lab_create(&lab, 1, NULL);
	lab.s->all_ones = true;
	CU_ASSERT(eth_lab_probe(&lab) < 0);
	eth_lab_end(&lab);
}

/* Bits above 63 do no harm and are not acknowledged. */
static void probe__high_features(void)
{
	struct eth_lab lab;

	eth_lab_create(&lab, 1, NULL);
	lab.s->extra_features[1] = UINT64_MAX;
	CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
	CU_ASSERT_FATAL(eth_lab_configure(&lab, 1, 64, NULL) == 0);
	CU_ASSERT_FATAL(rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(lab.s->acked.word[1] == 0);
	eth_lab_end(&lab);
}

/* ---- started ---------------------------------------------------------------------------------- */

static const char *const kinds[] = {
	"packed=0,in_order=0", "packed=1,in_order=0", "packed=0", "packed=1", "packed=0,mrg_rxbuf=0",
	"packed=1,mrg_rxbuf=0", "event_idx=0,indirect=0", "ctrl=0",
};

static void start__packets_go_round(void)
{
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		struct rte_eth_link link;
		struct eth_lab lab;
		char text[32]; /* testpmd's */

		eth_lab_run(&lab, 1, kinds[i]);
		CU_ASSERT(rte_eth_dev_fw_version_get(lab.port, text, sizeof(text)) == 0);
		CU_ASSERT(strstr(text, lab.d->packed ? ", packed" : ", split") != NULL);
		CU_ASSERT(sizeof("vhost-user") - sizeof("scripted") + strlen(text) < sizeof(text));
		CU_ASSERT(lab.s->status_seen == (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
						 VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK));
		CU_ASSERT(rte_eth_link_get_nowait(lab.port, &link) == 0);
		CU_ASSERT(link.link_status == RTE_ETH_LINK_UP && link.link_speed == 10000);
		CU_ASSERT(eth_lab_traffic(&lab, 0, 300));
		eth_lab_end(&lab);
	}
}

static void start__features_refused(void)
{
	struct eth_lab lab;

	eth_lab_create(&lab, 1, NULL);
	CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
	CU_ASSERT_FATAL(eth_lab_configure(&lab, 1, 64, NULL) == 0);
	lab.s->refuse_features = true;
	CU_ASSERT(rte_eth_dev_start(lab.port) == -ENOTSUP);
	CU_ASSERT((lab.s->status_seen & VIRTIO_STATUS_FAILED) != 0);
	CU_ASSERT((lab.s->status_seen & VIRTIO_STATUS_DRIVER_OK) == 0 && lab.s->setups == 0);
	lab.s->refuse_features = false;
	CU_ASSERT(rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(eth_lab_traffic(&lab, 0, 3));
	eth_lab_end(&lab);
}

/* Whichever queue the device does not take: an error, every buffer back, and the next start works. */
static void start__fails_at_each_queue(void)
{
	struct eth_lab lab;

	eth_lab_create(&lab, 2, NULL);
	CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
	CU_ASSERT_FATAL(eth_lab_configure(&lab, 2, 64, NULL) == 0);
	for (unsigned n = 1; n <= 5; n++) { /* two pairs and the control queue */
		lab.s->fail_setup_at = n;
		CU_ASSERT(rte_eth_dev_start(lab.port) == -EIO);
		CU_ASSERT((lab.s->status_seen & VIRTIO_STATUS_FAILED) != 0);
		CU_ASSERT(rte_mempool_avail_count(lab.mp) == lab.mp->size);
	}
	lab.s->fail_share_at = (unsigned)lab.s->shares + 1;
	CU_ASSERT(rte_eth_dev_start(lab.port) == -ENOSPC);
	CU_ASSERT(rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(eth_lab_traffic(&lab, 1, 3));
	eth_lab_end(&lab);
}

static void start__refused_command(void)
{
	struct eth_lab lab;

	eth_lab_create(&lab, 2, NULL);
	CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
	CU_ASSERT_FATAL(eth_lab_configure(&lab, 2, 64, NULL) == 0);
	lab.s->ctrl_ack = 0x7f;
	CU_ASSERT(rte_eth_dev_start(lab.port) == -EREMOTEIO);
	CU_ASSERT(rte_mempool_avail_count(lab.mp) == lab.mp->size);
	lab.s->ctrl_ack = 0;
	CU_ASSERT(rte_eth_dev_start(lab.port) == 0);
	eth_lab_end(&lab);
}

static void start__again_and_again(void)
{
	struct eth_lab lab;

	eth_lab_run(&lab, 2, NULL);
	for (unsigned i = 0; i < 20; i++) {
		CU_ASSERT(eth_lab_traffic(&lab, i % 2, 10));
		CU_ASSERT(rte_eth_dev_stop(lab.port) == 0);
		CU_ASSERT(rte_mempool_avail_count(lab.mp) == lab.mp->size);
		if (i % 5 == 4)
			CU_ASSERT(eth_lab_configure(&lab, 2, i % 2 != 0 ? 128 : 32, NULL) == 0);
		CU_ASSERT_FATAL(rte_eth_dev_start(lab.port) == 0);
	}
	eth_lab_end(&lab);
}

/* The control queue lies behind the device's queues, not behind those in use. */
static void start__fewer_pairs_than_there_are(void)
{
	struct eth_lab lab;

	eth_lab_create(&lab, 8, NULL);
	CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
	CU_ASSERT_FATAL(eth_lab_configure(&lab, 2, 64, NULL) == 0);
	CU_ASSERT_FATAL(rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(lab.s->kicks[16] > 0 && lab.s->ctrl_seen > 0);
	CU_ASSERT(lab.s->nic.active_pairs == 2);
	eth_lab_end(&lab);
}

/* ---- fewer features, breakage --------------------------------------------------------------------- */

static void restart__fewer_features(void)
{
	struct eth_lab lab;

	eth_lab_run(&lab, 1, NULL);
	CU_ASSERT(rte_eth_dev_stop(lab.port) == 0);
	lab.s->hide_features = RF(RING_PACKED);
	CU_ASSERT(rte_eth_dev_start(lab.port) == -ENOTSUP);
	/* A reset takes the device as it is now. */
	CU_ASSERT(rte_eth_dev_reset(lab.port) == 0);
	CU_ASSERT(eth_lab_configure(&lab, 1, 64, NULL) == 0);
	CU_ASSERT(rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(!lab.d->packed && eth_lab_traffic(&lab, 0, 5));
	eth_lab_end(&lab);
}

static void needs_reset__mended_by_reset(void)
{
	struct rte_mbuf *m;
	struct eth_lab lab;

	eth_lab_run(&lab, 1, NULL);
	lab.s->needs_reset = true;
	scripted_config_changed(lab.s);
	CU_ASSERT(eth_lab_link(&lab, false));
	CU_ASSERT(lab.events[RTE_ETH_EVENT_INTR_RESET] == 1);
	CU_ASSERT(rte_eth_rx_burst(lab.port, 0, &m, 1) == 0);
	CU_ASSERT(rte_eth_dev_stop(lab.port) == 0);
	CU_ASSERT(rte_eth_dev_start(lab.port) == -EIO);
	CU_ASSERT(rte_eth_dev_reset(lab.port) == 0);
	CU_ASSERT(eth_lab_configure(&lab, 1, 64, NULL) == 0);
	CU_ASSERT(rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(eth_lab_traffic(&lab, 0, 5));
	eth_lab_end(&lab);
}

/* Everything reads all ones: no loop ends late, nothing is started again, the port closes. */
static void removed__told_and_closed(void)
{
	struct rte_mbuf *m;
	struct eth_lab lab;

	eth_lab_create(&lab, 1, NULL);
	lab.s->flags &= ~VNIC_TRANSPORT_RECONNECT;
	scripted_attach(lab.s, lab.d);
	CU_ASSERT_FATAL(eth_lab_probe(&lab) == 0);
	CU_ASSERT_FATAL(eth_lab_configure(&lab, 1, 64, NULL) == 0);
	CU_ASSERT_FATAL(rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(eth_lab_traffic(&lab, 0, 5));
	lab.s->all_ones = true;
	scripted_config_changed(lab.s);
	CU_ASSERT(eth_lab_link(&lab, false));
	(void)TEST_SOON(lab.events[RTE_ETH_EVENT_INTR_RMV] != 0);
	CU_ASSERT(lab.events[RTE_ETH_EVENT_INTR_RMV] == 1 && lab.events[RTE_ETH_EVENT_INTR_RESET] == 0);
	CU_ASSERT(rte_eth_rx_burst(lab.port, 0, &m, 1) == 0);
	CU_ASSERT(rte_eth_dev_stop(lab.port) == 0);
	CU_ASSERT(rte_eth_dev_start(lab.port) == -EIO);
	CU_ASSERT(rte_eth_dev_reset(lab.port) == -ENODEV);
	eth_lab_end(&lab);
}

static void link__follows_the_device(void)
{
	struct eth_lab lab;

	eth_lab_run(&lab, 1, NULL);
	CU_ASSERT(lab.events[RTE_ETH_EVENT_INTR_LSC] == 1);
	vnicd_nic_set_link(&lab.s->nic, false);
	scripted_config_changed(lab.s);
	CU_ASSERT(eth_lab_link(&lab, false));
	vnicd_nic_set_link(&lab.s->nic, true);
	scripted_config_changed(lab.s);
	CU_ASSERT(eth_lab_link(&lab, true));
	CU_ASSERT(lab.events[RTE_ETH_EVENT_INTR_LSC] == 3);
	eth_lab_end(&lab);
}

/* ---- lost and found ------------------------------------------------------------------------------------ */

static void loss__traffic_resumes(void)
{
	struct eth_lab lab;

	eth_lab_run(&lab, 2, NULL);
	for (unsigned i = 0; i < 3; i++) {
		CU_ASSERT(eth_lab_traffic(&lab, 1, 20));
		scripted_die(lab.s);
		CU_ASSERT(eth_lab_link(&lab, false));
		usleep(20000 * i);
		scripted_return(lab.s);
		CU_ASSERT(eth_lab_link(&lab, true));
		CU_ASSERT(lab.s->nic.active_pairs == 2);
	}
	CU_ASSERT(lab.d->lost == 3 && lab.d->returned == 3);
	CU_ASSERT(eth_lab_traffic(&lab, 0, 20));
	eth_lab_end(&lab);
}

/* Stopped and closed while nobody is there. */
static void loss__stop_and_close(void)
{
	uint64_t setups;
	struct eth_lab lab;

	eth_lab_run(&lab, 1, NULL);
	scripted_die(lab.s);
	CU_ASSERT(eth_lab_link(&lab, false));
	CU_ASSERT(rte_eth_dev_stop(lab.port) == 0);
	CU_ASSERT(rte_mempool_avail_count(lab.mp) == lab.mp->size);
	CU_ASSERT(rte_eth_dev_start(lab.port) == -EIO);
	/* It comes back to a port that is stopped, and stays so. */
	setups = lab.s->setups;
	scripted_return(lab.s);
	(void)TEST_SOON(lab.d->returned != 0);
	CU_ASSERT(lab.d->returned == 1);
	CU_ASSERT(lab.s->setups == setups);
	CU_ASSERT(rte_eth_dev_start(lab.port) == 0);
	CU_ASSERT(eth_lab_traffic(&lab, 0, 5));
	scripted_die(lab.s);
	CU_ASSERT(eth_lab_link(&lab, false));
	eth_lab_end(&lab);
}

static const struct test_case cases[] = {
	TEST_CASE(probe__bad_configuration),
	TEST_CASE(probe__fields_not_offered),
	TEST_CASE(probe__refused),
	TEST_CASE(probe__high_features),
	TEST_CASE(start__packets_go_round),
	TEST_CASE(start__features_refused),
	TEST_CASE(start__fails_at_each_queue),
	TEST_CASE(start__refused_command),
	TEST_CASE(start__again_and_again),
	TEST_CASE(start__fewer_pairs_than_there_are),
	TEST_CASE(restart__fewer_features),
	TEST_CASE(needs_reset__mended_by_reset),
	TEST_CASE(removed__told_and_closed),
	TEST_CASE(link__follows_the_device),
	TEST_CASE(loss__traffic_resumes),
	TEST_CASE(loss__stop_and_close),
};
TEST_MAIN("virtio_ethdev_life", cases)
