/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: what is negotiated, what is mirrored, what is refused. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/smcgate/pipeline/drivers.h"
#include "app/smcgate/pipeline/port.h"
#include "app/smcgate/pipeline/stale.h"
#include "tests/unit/pipeline/frame.h"
#include "tests/unit/test.h"

#define WORKERS 4

static struct config_port conf(const char *device, const char *vdev, unsigned rxq)
{
	struct config_port c = {
		.name = "p",
		.mtu = 1500,
		.rx_queues = rxq,
		.tx_queues = 1,
		.rx_descriptors = 256,
		.tx_descriptors = 256,
		.offloads = { CONFIG_AUTO, CONFIG_AUTO, CONFIG_AUTO },
	};

	test_eal_init();
	rte_log_set_global_level(RTE_LOG_EMERG);
	snprintf(c.device, sizeof(c.device), "%s", device);
	snprintf(c.vdev, sizeof(c.vdev), "%s", vdev);
	return c;
}

static struct rte_mempool *pool_for(void *ctx, const struct port *p, unsigned worker)
{
	return ctx;
}

static struct steering table(const struct port *p)
{
	struct steering st;
	uint8_t key[TOEPLITZ_KEY_LEN];
	uint64_t seed = 3;

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)test_random(&seed);
	steering_init(&st, key, WORKERS, p->reta_size != 0 ? p->reta_size : STEER_TABLE);
	return st;
}

static void port_start__mirrors_key_and_table(void)
{
	struct config_port c = conf("net_null7", "net_null7", WORKERS);
	struct rte_eth_rss_reta_entry64 reta[8];
	uint8_t key[TOEPLITZ_KEY_LEN] = { 0 };
	struct rte_eth_rss_conf rss = { .rss_key = key, .rss_key_len = sizeof(key) };
	struct rte_mempool *mp = frame_pool("port", 2047);
	struct steering st;
	struct port p;

	CU_ASSERT_EQUAL_FATAL(port_open(&p, &c, 0, WORKERS), 0);
	CU_ASSERT_TRUE_FATAL(p.rss);
	CU_ASSERT_EQUAL(p.n_txq, WORKERS); /* each worker its own */
	for (uint16_t q = 0; q < WORKERS; q++)
		p.rx_worker[q] = WORKERS - 1 - q;
	st = table(&p);
	CU_ASSERT_EQUAL_FATAL(port_configure(&p, st.hash.key, pool_for, mp), 0);
	CU_ASSERT_EQUAL_FATAL(port_start(&p, &st), 0);
	memset(reta, 0xff, sizeof(reta)); /* all masks set */
	CU_ASSERT_EQUAL(rte_eth_dev_rss_reta_query(p.id, reta, p.reta_size), 0);
	for (unsigned i = 0; i < p.reta_size; i++)
		CU_ASSERT_EQUAL(p.rx_worker[reta[i / 64].reta[i % 64]], steering_worker(&st, i));
	CU_ASSERT_EQUAL(rte_eth_dev_rss_hash_conf_get(p.id, &rss), 0);
	CU_ASSERT_EQUAL(memcmp(key, st.hash.key, sizeof(key)), 0);
	CU_ASSERT_EQUAL(port_stop(&p), 0);
	port_close(&p);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(mp), 0);
	rte_mempool_free(mp);
	CU_ASSERT_EQUAL(rte_eth_dev_get_port_by_name("net_null7", &p.id), -ENODEV); /* it was ours */
}

/* Workers without a queue get their entries on some queue of the port. */
static void port_reta__covers_workers_without_a_queue(void)
{
	struct port p = { .n_rxq = 2, .reta_size = 128, .rx_worker = { 1, 3 } };
	struct steering st = table(&p);
	uint16_t queues[128];
	unsigned n[2] = { 0 };

	port_reta(&p, &st, 0, queues);
	for (unsigned i = 0; i < 128; i++) {
		CU_ASSERT_FATAL(queues[i] < 2);
		n[queues[i]]++;
		if (steering_worker(&st, i) == 1)
			CU_ASSERT_EQUAL(queues[i], 0);
		if (steering_worker(&st, i) == 3)
			CU_ASSERT_EQUAL(queues[i], 1);
	}
	CU_ASSERT_EQUAL(n[0], n[1]);
}

/* None of a queue that is left out, until all are. */
static void port_reta__goes_around_queues(void)
{
	struct port p = { .n_rxq = 2, .reta_size = 128, .rx_worker = { 1, 3 } };
	struct steering st = table(&p);
	uint16_t queues[128], all[128];

	port_reta(&p, &st, 0, all);
	port_reta(&p, &st, 1, queues);
	for (unsigned i = 0; i < 128; i++)
		CU_ASSERT_EQUAL(queues[i], 1);
	port_reta(&p, &st, 3, queues);
	CU_ASSERT_EQUAL(memcmp(queues, all, sizeof(all)), 0);
}

static void port_open__refuses(void)
{
	static const struct {
		const char *device, *vdev;
		unsigned rxq;
		int rc;
	} cases[] = {
		{ "net_null8", "", 1, -ENODEV },                 /* not there, and nothing to make it of */
		{ "net_null8", "net_null9", 1, -ENODEV },        /* two names */
		{ "net_ring8", "net_ring8", 40, -EINVAL },       /* more queues than it has */
	};

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct config_port c = conf(cases[i].device, cases[i].vdev, cases[i].rxq);
		struct port p;

		CU_ASSERT_EQUAL(port_open(&p, &c, 0, WORKERS), cases[i].rc);
		port_close(&p);
	}
}

static void port_open__no_offloads_when_told(void)
{
	struct config_port c = conf("net_null10", "net_null10", 2);
	struct port p;

	c.offloads.checksum = c.offloads.tso = c.offloads.rss = CONFIG_OFF;
	CU_ASSERT_EQUAL_FATAL(port_open(&p, &c, 0, WORKERS), 0);
	CU_ASSERT_FALSE(p.rss);
	CU_ASSERT_EQUAL(p.offloads & (NET_TX_IP_CKSUM | NET_TX_TCP_CKSUM | NET_TX_TSO | NET_RX_CKSUM), 0);
	port_close(&p);
}

static void driver_of__knows_the_odd_ones(void)
{
	static const struct {
		const char *name;
		enum driver_queues queues;
		bool pinned, intr;
	} cases[] = {
		{ "net_tap", DRIVER_QUEUES_EQUAL, true, true },
		{ "net_virtio_user", DRIVER_QUEUES_PEER, false, false },
		{ "net_af_xdp", DRIVER_QUEUES_PEER, false, false },
		{ "net_memif", DRIVER_QUEUES_PEER, true, false },
		{ "net_ixgbe", DRIVER_QUEUES_FREE, true, true },
		{ "mlx5_pci", DRIVER_QUEUES_FREE, true, false },
	};

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		const struct driver *d = driver_of(cases[i].name);

		CU_ASSERT_EQUAL(d->queues, cases[i].queues);
		CU_ASSERT_EQUAL(!d->no_pinned, cases[i].pinned);
		CU_ASSERT_EQUAL(d->rx_intr, cases[i].intr);
	}
}

/* What a killed process left goes, where a driver is to listen; what is somebody's stays. */
static void stale_remove__table(void)
{
	enum { NOBODY, SOMEBODY, A_FILE };
	static const struct { const char *vdev; int there, rc; bool stays; } t[] = {
		{ "net_vhost0,iface=%s,queues=1", NOBODY, 0, false },
		{ "net_vhost0,iface=%s,client=0", NOBODY, 0, false },
		{ "net_vhost0,iface=%s,client=1", NOBODY, 0, true },
		{ "net_vhost0,iface=%s", SOMEBODY, -EADDRINUSE, true },
		{ "net_vhost0,iface=%s", A_FILE, -EADDRINUSE, true },
		{ "net_virtio_user0,path=%s,server=1", NOBODY, 0, false },
		{ "net_virtio_user0,path=%s", SOMEBODY, 0, true },
		{ "net_memif0,role=server,socket=%s", NOBODY, 0, false },
		{ "net_memif0,socket=%s", NOBODY, 0, true },
		{ "net_tap0,iface=%s", NOBODY, 0, true },
	};

	rte_log_set_global_level(RTE_LOG_EMERG);
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		struct sockaddr_un a = { .sun_family = AF_UNIX };
		char vdev[256];
		int fd;

		snprintf(a.sun_path, sizeof(a.sun_path), "/tmp/test_pipeline_port_%d", (int)getpid());
		fd = t[i].there == A_FILE ? open(a.sun_path, O_CREAT | O_EXCL | O_WRONLY, 0600) :
					    socket(AF_UNIX, SOCK_STREAM, 0);
		if (t[i].there != A_FILE)
			CU_ASSERT(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(fd, 1) == 0);
		if (t[i].there == NOBODY)
			close(fd);
		snprintf(vdev, sizeof(vdev), t[i].vdev, a.sun_path);
		CU_ASSERT_EQUAL(stale_remove("p", vdev), t[i].rc);
		CU_ASSERT_EQUAL(access(a.sun_path, F_OK) == 0, t[i].stays);
		unlink(a.sun_path);
		if (t[i].there != NOBODY)
			close(fd);
	}
	CU_ASSERT_EQUAL(stale_remove("p", "net_vhost0,iface=/tmp/test_pipeline_port_nothing"), 0);
}

static const struct test_case cases[] = {
	TEST_CASE(stale_remove__table),
	TEST_CASE(port_start__mirrors_key_and_table),
	TEST_CASE(port_reta__covers_workers_without_a_queue),
	TEST_CASE(port_reta__goes_around_queues),
	TEST_CASE(port_open__refuses),
	TEST_CASE(port_open__no_offloads_when_told),
	TEST_CASE(driver_of__knows_the_odd_ones),
};
TEST_MAIN("pipeline_port", cases)
