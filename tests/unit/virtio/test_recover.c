/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole port (net_vnic) whose back end goes and comes back: recover.c, thread.c. */
#include <errno.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/vnic.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/vhost_lab.h"

#define BUFFERS 512
#define BIT(f) (UINT64_C(1) << (f))
#define FEATURES (BIT(VIRTIO_F_VERSION_1) | BIT(VHOST_USER_F_PROTOCOL_FEATURES) | BIT(VIRTIO_NET_F_MRG_RXBUF))
#define PROTOCOL(f) BIT(VHOST_USER_PROTOCOL_F_##f)
#define PLAIN (PROTOCOL(MQ) | PROTOCOL(REPLY_ACK) | PROTOCOL(STATUS))

static struct vhost_lab lab;
static struct rte_mempool *pool;
static uint16_t port;
static struct vnic_dev *dev;
static volatile unsigned ups, downs, resets;
static unsigned reply_ms = 5000; /* short only where there is no answer */

static int on_event(uint16_t id, enum rte_eth_event_type type, void *arg, void *ret)
{
	(void)arg;
	(void)ret;
	if (type == RTE_ETH_EVENT_INTR_RESET)
		resets++;
	else if (rte_eth_devices[id].data->dev_link.link_status)
		ups++;
	else
		downs++;
	return 0;
}

static bool is_up(void)
{
	return rte_eth_devices[port].data->dev_link.link_status && dev->state == VNIC_RUNNING;
}
static bool is_lost(void)
{
	return dev->state == VNIC_LOST && !rte_eth_devices[port].data->dev_link.link_status;
}
static bool is_stopped(void)
{
	return dev->state == VNIC_STOPPED;
}

static bool has_returned(void)
{
	return dev->returned == 1;
}

static void set_up(void)
{
	struct rte_eth_conf conf = { .intr_conf = { .lsc = 1 } };

	if (lab.opts.features & BIT(VIRTIO_NET_F_CTRL_VLAN))
		conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_VLAN_FILTER;

	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_configure(port, 1, 1, &conf), 0);
	CU_ASSERT_EQUAL_FATAL(rte_eth_rx_queue_setup(port, 0, 64, 0, NULL, pool), 0);
	CU_ASSERT_EQUAL_FATAL(rte_eth_tx_queue_setup(port, 0, 64, 0, NULL), 0);
}

static void probe_port(const struct vhost_lab_opts *o)
{
	char args[256];

	vhost_lab_open(&lab, o);
	rte_log_set_level(vnic_logtype, RTE_LOG_CRIT);
	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("recover", BUFFERS, 0, 0, 2176, -1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	snprintf(args, sizeof(args), "path=%s,server=%d,reply_ms=%u", lab.dev.args.path, o->server, reply_ms);
	CU_ASSERT_EQUAL_FATAL(rte_vdev_init("net_vnic_recover", args), 0);
	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_get_port_by_name("net_vnic_recover", &port), 0);
	dev = vnic_dev_of(port);
	ups = downs = resets = 0;
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_LSC, on_event, NULL);
	rte_eth_dev_callback_register(port, RTE_ETH_EVENT_INTR_RESET, on_event, NULL);
	set_up();
}

static void open_port(const struct vhost_lab_opts *o)
{
	probe_port(o);
	CU_ASSERT_EQUAL_FATAL(rte_eth_dev_start(port), 0);
	CU_ASSERT(is_up() && ups == 1 && downs == 0);
}

/* Everything is given back: buffers, descriptors. */
static void close_port(void)
{
	rte_eth_dev_stop(port);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
	CU_ASSERT_EQUAL(rte_vdev_uninit("net_vnic_recover"), 0);
	lab.opts.request = 0;
	vhost_lab_close(&lab);
}

static void recover__again_and_again(void)
{
	for (unsigned server = 0; server < 2; server++) {
		struct vhost_lab_opts o = { .server = server, .features = FEATURES, .protocol = PLAIN };
		unsigned fds = 0;

		open_port(&o);
		for (unsigned i = 1; i <= 8; i++) {
			lab.n = 0;
			vhost_lab_hang_up(&lab);
			/* It may be back before anybody looks. */
			CU_ASSERT_TRUE(TEST_SOON(dev->lost == i));
			CU_ASSERT_TRUE(TEST_SOON(is_up()));
			CU_ASSERT(TEST_SOON(ups == 1 + i && dev->returned == i));
			CU_ASSERT(downs == i && dev->lost == i);
			/* The rings are full of buffers again, and no buffer is lost. */
			CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS - 64);
			if (i == 2)
				fds = vhost_lab_open_fds();
			if (i > 2)
				CU_ASSERT(TEST_SOON(vhost_lab_open_fds() <= fds));
		}
		CU_ASSERT_EQUAL(resets, 0);
		close_port();
	}
}

/* No packet leaves, none comes, nothing is posted while the back end is away. */
static void recover__bursts_while_away(void)
{
	struct vhost_lab_opts o = { .server = true, .features = FEATURES, .protocol = PLAIN,
				    .request = VHOST_USER_SET_OWNER, .skip = 1, .deed = LAB_SILENT };
	struct rte_mbuf *m, *got[4];
	struct rte_eth_stats st;

	reply_ms = 1000;
	open_port(&o);
	reply_ms = 5000;
	m = rte_pktmbuf_alloc(pool);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	rte_pktmbuf_append(m, 60);
	CU_ASSERT_EQUAL(rte_eth_tx_burst(port, 0, &m, 1), 1);
	vhost_lab_hang_up(&lab);
	CU_ASSERT_TRUE(TEST_SOON(is_lost()));
	m = rte_pktmbuf_alloc(pool);
	rte_pktmbuf_append(m, 60);
	CU_ASSERT_EQUAL(rte_eth_tx_burst(port, 0, &m, 1), 0);
	CU_ASSERT_EQUAL(rte_eth_rx_burst(port, 0, got, 4), 0);
	CU_ASSERT_EQUAL(rte_eth_rx_queue_count(port, 0), 0);
	CU_ASSERT_EQUAL(rte_eth_stats_get(port, &st), 0);
	CU_ASSERT_NOT_EQUAL(rte_eth_promiscuous_enable(port), 1);
	rte_pktmbuf_free(m);
	rte_delay_us_sleep(300000);
	/* What was posted before is back, and not sent again. */
	CU_ASSERT(TEST_SOON(rte_mempool_avail_count(pool) == BUFFERS));
	close_port();
}

static const struct {
	uint32_t request;
	enum vhost_lab_deed deed;
} steps[] = {
	{ VHOST_USER_SET_OWNER, LAB_DIE },
	{ VHOST_USER_GET_FEATURES, LAB_SHORT },
	{ VHOST_USER_GET_PROTOCOL_FEATURES, LAB_DIE },
	{ VHOST_USER_SET_FEATURES, LAB_VALUE },
	{ VHOST_USER_SET_STATUS, LAB_DIE },
	{ VHOST_USER_SET_MEM_TABLE, LAB_DIE },
	{ VHOST_USER_SET_VRING_CALL, LAB_VALUE },
	{ VHOST_USER_SET_VRING_ADDR, LAB_DIE },
	{ VHOST_USER_SET_VRING_KICK, LAB_DIE },
	{ VHOST_USER_SET_VRING_ENABLE, LAB_SHORT },
	{ VHOST_USER_GET_STATUS, LAB_DIE },
};

/* The one that returns dies too, or is stuck, at each step of the handshake; the next one will do. */
static void recover__next_one_dies_at_each_step(void)
{

	for (unsigned i = 0; i < RTE_DIM(steps); i++) {
		struct vhost_lab_opts o = { .server = i % 2, .features = FEATURES, .protocol = PLAIN };

		open_port(&o);
		lab.seen = 0;
		lab.opts.skip = 0;
		lab.opts.value = 1;
		lab.opts.deed = steps[i].deed;
		lab.opts.request = steps[i].request;
		vhost_lab_hang_up(&lab);
		CU_ASSERT_TRUE(TEST_SOON(is_lost()));
		CU_ASSERT(TEST_SOON(*(volatile unsigned *)&lab.seen > 0));
		rte_delay_us_sleep(20000);
		CU_ASSERT_TRUE(is_lost());
		lab.opts.request = 0;
		CU_ASSERT_TRUE(TEST_SOON(is_up()));
		CU_ASSERT(TEST_SOON(dev->returned == 1 && ups == 2) && downs == 1);
		CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS - 64);
		close_port();
	}
}

/* One with fewer features: the port stays down, and is up again with one that has them. */
static void recover__fewer_features(void)
{
	struct vhost_lab_opts o = { .features = FEATURES, .protocol = PLAIN };

	open_port(&o);
	lab.opts.features = FEATURES & ~BIT(VIRTIO_NET_F_MRG_RXBUF);
	vhost_lab_hang_up(&lab);
	CU_ASSERT_TRUE(TEST_SOON(is_lost()));
	CU_ASSERT(TEST_SOON(dev->recover.refused));
	rte_delay_us_sleep(300000);
	CU_ASSERT(is_lost() && dev->recover.refused && dev->returned == 0);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
	lab.opts.features = FEATURES | BIT(VIRTIO_F_INDIRECT_DESC);
	CU_ASSERT_TRUE(TEST_SOON(is_up()));
	close_port();
}

/* Stopped while the back end is away: it does not start by itself, and starts when told to. */
static void recover__stopped_while_away(void)
{
	struct vhost_lab_opts o = { .server = true, .features = FEATURES, .protocol = PLAIN };

	open_port(&o);
	lab.opts.features = BIT(VIRTIO_F_VERSION_1); /* keeps it away */
	vhost_lab_hang_up(&lab);
	CU_ASSERT_TRUE(TEST_SOON(is_lost()));
	CU_ASSERT_EQUAL(rte_eth_dev_stop(port), 0);
	CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), BUFFERS);
	CU_ASSERT_NOT_EQUAL(rte_eth_dev_start(port), 0);
	lab.opts.features = FEATURES;
	CU_ASSERT_TRUE(TEST_SOON(is_stopped()));
	rte_delay_us_sleep(50000);
	CU_ASSERT_TRUE(is_stopped());
	CU_ASSERT_EQUAL(rte_eth_dev_start(port), 0);
	CU_ASSERT_TRUE(is_up());
	/* And lost while stopped. */
	CU_ASSERT_EQUAL(rte_eth_dev_stop(port), 0);
	vhost_lab_hang_up(&lab);
	(void)TEST_SOON(dev->returned >= 2);
	CU_ASSERT(is_stopped() && dev->returned == 2);
	CU_ASSERT_EQUAL(rte_eth_dev_start(port), 0);
	close_port();
}

/* Closed while it is away. */
static void recover__closed_while_away(void)
{
	for (unsigned server = 0; server < 2; server++) {
		struct vhost_lab_opts o = { .server = server, .features = FEATURES, .protocol = PLAIN };

		open_port(&o);
		lab.opts.features = BIT(VIRTIO_F_VERSION_1);
		vhost_lab_hang_up(&lab);
		CU_ASSERT_TRUE(TEST_SOON(is_lost()));
		close_port();
	}
}

static bool is_down(void)
{
	return !rte_eth_devices[port].data->dev_link.link_status;
}

/* The configuration space says the link is down, and up; the device says it wants a reset. */
static void thread__configuration_changes(void)
{
	struct vnic_config config = { .mac = { 2, 1, 2, 3, 4, 5 }, .status = VIRTIO_NET_S_LINK_UP };
	struct vhost_lab_opts o = { .features = FEATURES | BIT(VIRTIO_NET_F_STATUS) | BIT(VIRTIO_NET_F_MAC),
				    .protocol = PLAIN | PROTOCOL(CONFIG) | PROTOCOL(BACKEND_REQ), .config = &config };
	struct rte_ether_addr mac;

	open_port(&o);
	CU_ASSERT_EQUAL(rte_eth_macaddr_get(port, &mac), 0);
	CU_ASSERT_EQUAL(memcmp(&mac, config.mac, 6), 0);
	*(volatile uint16_t *)&config.status = 0;
	vhost_lab_say(&lab, VHOST_USER_BACKEND_CONFIG_CHANGE_MSG, VHOST_USER_VERSION, 0);
	CU_ASSERT_TRUE(TEST_SOON(is_down()));
	CU_ASSERT(dev->state == VNIC_RUNNING && TEST_SOON(downs == 1));
	*(volatile uint16_t *)&config.status = VIRTIO_NET_S_LINK_UP;
	vhost_lab_say(&lab, VHOST_USER_BACKEND_CONFIG_CHANGE_MSG, VHOST_USER_VERSION, 0);
	CU_ASSERT_TRUE(TEST_SOON(is_up()));
	CU_ASSERT(TEST_SOON(ups == 2) && resets == 0);
	lab.status |= VIRTIO_STATUS_NEEDS_RESET;
	vhost_lab_say(&lab, VHOST_USER_BACKEND_CONFIG_CHANGE_MSG, VHOST_USER_VERSION, 0);
	CU_ASSERT_TRUE(TEST_SOON(is_down()));
	CU_ASSERT(TEST_SOON(dev->state == VNIC_BROKEN && resets == 1) && dev->broken == 1);
	close_port();
}

#define WITH_CTRL (PLAIN | PROTOCOL(CONFIG) | PROTOCOL(SMCGATE_CTRL_VQ))

/* A device that answers no command: the start fails, soon. */
static void thread__stuck_at_the_start(void)
{
	struct vhost_lab_opts o = { .features = FEATURES | BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_RX),
				    .protocol = WITH_CTRL };
	uint64_t began, least = UINT64_MAX;

	reply_ms = 300;
	probe_port(&o);
	reply_ms = 5000;
	for (unsigned i = 0; i < 10 && least >= 3000; i++) {
		began = clock_now_ms();
		CU_ASSERT_NOT_EQUAL(rte_eth_dev_start(port), 0);
		least = RTE_MIN(least, clock_now_ms() - began);
	}
	CU_ASSERT(least >= 300 && least < 3000);
	CU_ASSERT(ups == 0 && dev->state != VNIC_RUNNING);
	close_port();
}

static void *hang_up_soon(void *arg)
{
	struct vnic_ctrl_info info;

	(void)arg;
	CU_ASSERT(TEST_SOON(vnic_ctrl_info(port, &info) == 0 && info.stats.in_flight == 1));
	rte_delay_us_sleep(50000); /* the caller sleeps by then, most likely */
	vhost_lab_hang_up(&lab);
	return NULL;
}

/* The back end dies while a caller waits, with the device locked, for a command that has
 * seven days: the caller is told, and the port recovers. */
static void thread__dies_under_a_caller(void)
{
	struct vhost_lab_opts o = { .features = FEATURES | BIT(VIRTIO_NET_F_CTRL_VQ) | BIT(VIRTIO_NET_F_CTRL_VLAN),
				    .protocol = WITH_CTRL };
	pthread_t t;

	open_port(&o);
	CU_ASSERT_EQUAL(pthread_create(&t, NULL, hang_up_soon, NULL), 0);
	CU_ASSERT_NOT_EQUAL(rte_eth_dev_vlan_filter(port, 5, 1), 0);
	pthread_join(t, NULL);
	CU_ASSERT_TRUE(TEST_SOON(has_returned()));
	CU_ASSERT_TRUE(TEST_SOON(is_up()));
	CU_ASSERT(TEST_SOON(downs == 1 && ups == 2) && dev->returned == 1 && resets == 0);
	close_port();
}

static const struct test_case cases[] = {
	TEST_CASE(recover__again_and_again),
	TEST_CASE(recover__bursts_while_away),
	TEST_CASE(recover__next_one_dies_at_each_step),
	TEST_CASE(recover__fewer_features),
	TEST_CASE(recover__stopped_while_away),
	TEST_CASE(recover__closed_while_away),
	TEST_CASE(thread__configuration_changes),
	TEST_CASE(thread__stuck_at_the_start),
	TEST_CASE(thread__dies_under_a_caller),
};
TEST_MAIN("virtio_recover", cases)
