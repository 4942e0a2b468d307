/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports that are started, stopped, reset and closed while their device takes its time. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <ethdev_driver.h>

#include "app/smcgate/pipeline/device.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "tests/unit/pipeline/whole.h"
#include "tests/unit/test.h"

static const char text[] =
	"{\"ports\":["
	"{\"name\":\"p0\",\"device\":\"net_null0\",\"vdev\":\"net_null0\",\"addresses\":[\"10.0.0.1/24\"]},"
	"{\"name\":\"p1\",\"device\":\"net_null1\",\"vdev\":\"net_null1\",\"addresses\":[\"10.0.1.1/24\"]}],"
	"\"forward\":\"rxonly\",\"memory\":{\"rx_buffers\":2048,\"payload_buffers\":1024,\"header_buffers\":"
	"1024},"
	"\"tcp\":{\"max_connections\":100},"
	"\"services\":[{\"name\":\"echo\",\"type\":\"echo\",\"listen\":\"10.0.0.1:7\"}]}";

/* ---- port 0's device: net_null that starts and stops when it is let to ------------------- */
static struct {
	const struct eth_dev_ops *real;
	struct eth_dev_ops ops;
	int go;          /* an eventfd; once for each start and stop that is slow */
	bool slow_start, slow_stop, slow_prepare;
	int prepare_rc;
	int start_rc, configure_rc;
	int cancel;      /* readable: whoever waits for it gives up at once */
} dev;

static void wait_to_go(bool slow)
{
	struct pollfd fd = { .fd = dev.go, .events = POLLIN };
	eventfd_t v;

	if (slow && poll(&fd, 1, TEST_PATIENCE_MS) > 0)
		(void)eventfd_read(dev.go, &v);
}

static int slow_start(struct rte_eth_dev *d)
{
	wait_to_go(dev.slow_start);
	return dev.start_rc != 0 ? dev.start_rc : dev.real->dev_start(d);
}

static int slow_stop(struct rte_eth_dev *d)
{
	wait_to_go(dev.slow_stop);
	return dev.real->dev_stop(d);
}

static int configure(struct rte_eth_dev *d)
{
	if (d->data->dev_conf.rxmode.mtu == 1234)
		return -EIO;
	return dev.configure_rc != 0 ? dev.configure_rc : dev.real->dev_configure(d);
}

static int set_mtu(struct rte_eth_dev *d, uint16_t mtu)
{
	return 0;
}

/* A service that is slow to prepare, as one whose memory a device is told of. */
static int slow_prepare(const struct config_service *conf, void **shared)
{
	wait_to_go(dev.slow_prepare);
	return dev.prepare_rc;
}

static struct service_type slow_type = { .name = "slow", .doc = "Takes its time.", .listen = SERVICE_LISTEN_NONE, .prepare = slow_prepare };
SERVICE_REGISTER(slow_type)

static void up(void)
{
	struct rte_eth_dev *d;

	whole_up(text);
	d = &rte_eth_devices[whole.pl->ports[0].id];
	memset(&dev, 0, sizeof(dev));
	dev.real = d->dev_ops;
	dev.ops = *dev.real;
	dev.ops.dev_start = slow_start;
	dev.ops.dev_stop = slow_stop;
	dev.ops.dev_configure = configure;
	dev.ops.mtu_set = set_mtu;
	d->dev_ops = &dev.ops;
	dev.go = eventfd(0, EFD_SEMAPHORE);
	dev.cancel = eventfd(1, 0);
}

static void down(void)
{
	dev.slow_start = dev.slow_stop = false;
	whole_down();
	close(dev.go);
	close(dev.cancel);
}

/* What is asked at that moment is given up at once, and goes on. */
static void impatient(bool on)
{
	pipeline_cancel_on(whole.pl, on ? dev.cancel : -1);
}

static void go(void)
{
	CU_ASSERT_EQUAL(eventfd_write(dev.go, 1), 0);
}

static void *go_later(void *arg)
{
	(void)poll(NULL, 0, 50);
	(void)eventfd_write(dev.go, 1);
	return NULL;
}

static bool ended(void)
{
	return device_done(whole.pl, &whole.pl->ports[0].slot, TEST_PATIENCE_MS);
}

static enum pipeline_port_state state(unsigned port)
{
	struct pipeline_port_info info;

	CU_ASSERT_EQUAL(pipeline_port_info(whole.pl, port, &info), 0);
	return info.state;
}

static bool becomes(unsigned port, enum pipeline_port_state want)
{
	return TEST_SOON(state(port) == want);
}

static int worker_look(struct lcore *lc, void *arg)
{
	unsigned *n = arg;

	for (unsigned i = 0; i < lc->n_rxq; i++)
		n[lc->rxq[i].port]++;
	return 0;
}

/* Queues that workers poll. */
static unsigned polled(unsigned port)
{
	unsigned n[2] = { 0, 0 };

	CU_ASSERT_EQUAL(pipeline_call_each(whole.pl, worker_look, n, sizeof(n)), 0);
	return n[port];
}

/* ---- tests ------------------------------------------------------------------------------- */
static void port_start__is_finished_when_the_device_answers_late(void)
{
	struct pipeline_queue_info q[8];
	struct pipeline_coal_info c[8];

	up();
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(polled(0), 0);
	dev.slow_start = true;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -ECANCELED);
	impatient(false);
	CU_ASSERT_TRUE(becomes(0, PORT_BUSY));
	CU_ASSERT_EQUAL(polled(0), 0);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -EAGAIN);
	CU_ASSERT_EQUAL(pipeline_port_mtu(whole.pl, 0, 1400), -EAGAIN);
	CU_ASSERT_EQUAL(pipeline_queue_stop(whole.pl, 0, VNIC_RX, 0), -EAGAIN);
	CU_ASSERT_EQUAL(pipeline_coal_list(whole.pl, 0, c, 8), -EAGAIN);
	CU_ASSERT_TRUE(pipeline_queue_list(whole.pl, 0, q, 8) >= 2);
	/* The other port does not notice. */
	CU_ASSERT_EQUAL(polled(1), 1);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 1), 0);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 1), 0);
	CU_ASSERT_EQUAL(state(0), PORT_BUSY);
	/* Nobody asks again. Whoever cancels now means something else. */
	impatient(true);
	go();
	CU_ASSERT_TRUE(becomes(0, PORT_STARTED));
	impatient(false);
	CU_ASSERT_EQUAL(polled(0), 1);
	CU_ASSERT_EQUAL(polled(1), 1);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -EALREADY);
	down();
}

static void port_start__fails_late(void)
{
	up();
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	dev.slow_start = true;
	dev.start_rc = -EIO;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -ECANCELED);
	impatient(false);
	CU_ASSERT_TRUE(becomes(0, PORT_BUSY));
	go();
	CU_ASSERT_TRUE(becomes(0, PORT_STOPPED));
	CU_ASSERT_EQUAL(polled(0), 0);
	CU_ASSERT_TRUE(ended());
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), -EALREADY);
	dev.slow_start = false;
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -EIO);
	dev.start_rc = 0;
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(polled(0), 1);
	down();
}

static void port_stop__workers_let_go_first(void)
{
	up();
	dev.slow_stop = true;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), -ECANCELED);
	impatient(false);
	CU_ASSERT_TRUE(becomes(0, PORT_BUSY));
	CU_ASSERT(TEST_SOON(polled(0) == 0));
	CU_ASSERT_EQUAL(state(0), PORT_BUSY);
	CU_ASSERT_EQUAL(state(1), PORT_STARTED);
	go();
	CU_ASSERT_TRUE(becomes(0, PORT_STOPPED));
	dev.slow_stop = false;
	CU_ASSERT_TRUE(ended());
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(polled(0), 1);
	down();
}

/* Reset and close wait for the end of what was begun, a while. */
static void port__reset_and_closed_while_busy(void)
{
	struct pipeline_reset_report report;
	pthread_t helper;
	int rc;

	up();
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	dev.slow_start = true;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -ECANCELED);
	impatient(false);
	/* This device listens to nobody. */
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0, &report), -EAGAIN);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&helper, NULL, go_later, NULL), 0);
	dev.slow_start = false;
	/* Again, where the helper was not let run during that while. */
	CU_ASSERT(TEST_SOON((rc = pipeline_port_reset(whole.pl, 0, &report)) != -EAGAIN));
	CU_ASSERT_EQUAL(rc, 0);
	pthread_join(helper, NULL);
	CU_ASSERT_EQUAL(state(0), PORT_STARTED); /* as the start made it */
	CU_ASSERT_EQUAL(polled(0), 1);
	dev.slow_stop = true;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), -ECANCELED);
	impatient(false);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&helper, NULL, go_later, NULL), 0);
	CU_ASSERT(TEST_SOON((rc = pipeline_port_close(whole.pl, 0)) != -EAGAIN));
	CU_ASSERT_EQUAL(rc, 0);
	pthread_join(helper, NULL);
	CU_ASSERT_EQUAL(state(0), PORT_CLOSED);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -ENODEV);
	CU_ASSERT_EQUAL(polled(0), 0);
	CU_ASSERT_EQUAL(polled(1), 1);
	down();
}

/* Given up, refused by the device, left half done: a reset, or a start, makes it run. */
static void port_reset__starts_what_was_to_run(void)
{
	struct pipeline_reset_report report;

	up();
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	dev.start_rc = -ECANCELED; /* as an interrupted driver's */
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -ECANCELED);
	CU_ASSERT_EQUAL(state(0), PORT_STOPPED);
	dev.start_rc = 0;
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0, &report), 0);
	CU_ASSERT_TRUE(report.started);
	CU_ASSERT_EQUAL(state(0), PORT_STARTED);
	CU_ASSERT_EQUAL(polled(0), 1);
	dev.configure_rc = -EIO;
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0, &report), -EIO);
	CU_ASSERT_FALSE(report.started);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -EIO);
	dev.configure_rc = 0;
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(polled(0), 1);
	/* A stopped one stays stopped, whatever became of the start before. */
	dev.start_rc = -EIO;
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0, &report), -EIO);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), -EALREADY);
	dev.start_rc = 0;
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0, &report), 0);
	CU_ASSERT_FALSE(report.started);
	CU_ASSERT_EQUAL(state(0), PORT_STOPPED);
	down();
}

static void port_reset__keeps_what_was_set(void)
{
	struct pipeline_reset_report report;
	struct pipeline_port_info info;

	up();
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0, &report), 0);
	CU_ASSERT_FALSE(report.mtu_kept || report.promiscuous_kept || report.reverted);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(pipeline_port_mtu(whole.pl, 0, 1400), 0);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(pipeline_port_promiscuous(whole.pl, 0, true), 0);
	whole.pl->ports[0].rx_size[0] = 64;
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0, &report), 0);
	CU_ASSERT_TRUE(report.started && report.mtu_kept && report.promiscuous_kept && report.promiscuous);
	CU_ASSERT_EQUAL(report.mtu, 1400);
	CU_ASSERT_EQUAL(report.rx_size[0], 64);
	CU_ASSERT_EQUAL(report.tx_size[0], 0);
	CU_ASSERT_EQUAL(pipeline_port_info(whole.pl, 0, &info), 0);
	CU_ASSERT_EQUAL(info.mtu, 1400);
	CU_ASSERT_TRUE(info.promiscuous);
	/* What the device does not take any more is given up, and said. */
	whole.pl->ports[0].wanted_mtu = 1234;
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0, &report), 0);
	CU_ASSERT_TRUE(report.started && report.reverted);
	CU_ASSERT_FALSE(report.mtu_kept || report.promiscuous_kept);
	CU_ASSERT_EQUAL(report.rx_size[0], 0);
	CU_ASSERT_EQUAL(pipeline_port_info(whole.pl, 0, &info), 0);
	CU_ASSERT_EQUAL(info.mtu, 1500);
	down();
}

/* ---- services ------------------------------------------------------------------------------ */
static struct config_service *parsed(const char *json)
{
	struct config_service *svc = NULL;
	struct cfg_errors errs = { 0 };

	CU_ASSERT_EQUAL(config_parse_service(whole.cfg, json, strlen(json), &svc, &errs), 0);
	cfg_errors_print(&errs, "smcgate", stderr);
	return svc;
}

static int add_service(void)
{
	return pipeline_service_add(whole.pl, parsed("{\"name\":\"late\",\"type\":\"slow\"}"));
}

static bool services_free(void)
{
	return device_done(whole.pl, &whole.pl->services_slot, 5000);
}

static void service_add__left_behind_is_finished(void)
{
	struct pipeline_busy busy;

	up();
	dev.slow_prepare = true;
	impatient(true);
	CU_ASSERT_EQUAL(add_service(), -ECANCELED);
	impatient(false);
	CU_ASSERT_EQUAL(pipeline_busy(whole.pl, PIPELINE_SERVICES, &busy), 0);
	CU_ASSERT_STRING_EQUAL(busy.what, "service add late");
	/* Nobody else waits: not who looks, not other services' and ports' commands. */
	CU_ASSERT_EQUAL(pipeline_services(whole.pl), 1);
	CU_ASSERT_EQUAL(add_service(), -EAGAIN);
	CU_ASSERT_EQUAL(pipeline_service_remove(whole.pl, "echo"), -EAGAIN);
	CU_ASSERT_EQUAL(pipeline_service_drain(whole.pl, "late"), -ENOENT);
	CU_ASSERT_EQUAL(pipeline_service_drain(whole.pl, "echo"), 0);
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), 0);
	go();
	CU_ASSERT_TRUE(services_free());
	CU_ASSERT_EQUAL(pipeline_services(whole.pl), 2);
	CU_ASSERT_EQUAL(add_service(), -EEXIST);
	CU_ASSERT_EQUAL(pipeline_service_remove(whole.pl, "late"), 0);
	/* Refused late: nothing stays, and it can be added again. */
	dev.prepare_rc = -EIO;
	impatient(true);
	CU_ASSERT_EQUAL(add_service(), -ECANCELED);
	impatient(false);
	go();
	CU_ASSERT_TRUE(services_free());
	CU_ASSERT_EQUAL(pipeline_services(whole.pl), 1);
	dev.slow_prepare = false;
	CU_ASSERT_EQUAL(add_service(), -EIO);
	dev.prepare_rc = 0;
	CU_ASSERT_EQUAL(add_service(), 0);
	down();
}

/* The program ends meanwhile: it is not started any more. */
static void service_add__while_the_program_ends(void)
{
	pthread_t helper;

	up();
	dev.slow_prepare = true;
	impatient(true);
	CU_ASSERT_EQUAL(add_service(), -ECANCELED);
	impatient(false);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&helper, NULL, go_later, NULL), 0);
	down();
	pthread_join(helper, NULL);
}

/* The program ends while a device is at it. */
static void pipeline_stop__with_a_busy_port(void)
{
	pthread_t helper;

	up();
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	dev.slow_start = true;
	impatient(true);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), -ECANCELED);
	impatient(false);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&helper, NULL, go_later, NULL), 0);
	down();
	pthread_join(helper, NULL);
}

/* Whoever looks is let finish before the port changes. */
static void *close_port(void *arg)
{
	*(int *)arg = pipeline_port_close(whole.pl, 0);
	return NULL;
}

static void pipeline_look__holds_the_port(void)
{
	pthread_t closer;
	int rc = 1;

	up();
	pipeline_look_begin();
	CU_ASSERT_EQUAL(state(0), PORT_STARTED);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&closer, NULL, close_port, &rc), 0);
	(void)poll(NULL, 0, 30);
	CU_ASSERT_EQUAL(state(0), PORT_STARTED);
	CU_ASSERT_TRUE(rte_eth_dev_is_valid_port(whole.pl->ports[0].id));
	pipeline_look_end();
	pthread_join(closer, NULL);
	CU_ASSERT_EQUAL(rc, 0);
	CU_ASSERT_EQUAL(state(0), PORT_CLOSED);
	down();
}

/* ---- others look ------------------------------------------------------------------------------ */
/* A second console: what it sees is whole, whatever another thread does to the port. (Built with the thread
 * sanitizer: without a race.) */
struct onlooker {
	pthread_t thread;
	bool stop;
	unsigned looks, odd;
};

static void *look_on(void *arg)
{
	struct pipeline_queue_info q[4];
	struct pipeline_port_info info;
	struct onlooker *o = arg;

	while (!__atomic_load_n(&o->stop, __ATOMIC_ACQUIRE)) {
		if (pipeline_port_info(whole.pl, 0, &info) != 0 || (info.mtu != 1500 && info.mtu != 1400) ||
		    info.state > PORT_BUSY || info.rx_descriptors == 0)
			o->odd++;
		if (pipeline_queue_list(whole.pl, 0, q, RTE_DIM(q)) < 2 || q[0].descriptors == 0)
			o->odd++;
		o->looks++;
	}
	return NULL;
}

static void port_info__while_it_changes(void)
{
	struct pipeline_reset_report reset;
	struct pipeline_offload_report r;
	struct onlooker o = { .looks = 0 };

	up();
	CU_ASSERT_EQUAL_FATAL(pthread_create(&o.thread, NULL, look_on, &o), 0);
	for (unsigned i = 0; i < 20; i++) {
		CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
		CU_ASSERT_EQUAL(pipeline_port_mtu(whole.pl, 0, i % 2 != 0 ? 1400 : 1500), 0);
		CU_ASSERT_EQUAL(pipeline_port_promiscuous(whole.pl, 0, true), 0);
		CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0, &reset), 0);
		CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), 0);
		CU_ASSERT_EQUAL(pipeline_rx_offload(whole.pl, 0, RTE_ETH_RX_OFFLOAD_TCP_LRO, true, &r), -ENOTSUP);
	}
	__atomic_store_n(&o.stop, true, __ATOMIC_RELEASE);
	pthread_join(o.thread, NULL);
	CU_ASSERT(o.looks > 0);
	CU_ASSERT_EQUAL(o.odd, 0);
	CU_ASSERT_EQUAL(state(0), PORT_STARTED);
	down();
}

/* ---- receive offloads ---------------------------------------------------------------------- */
#define SCATTER RTE_ETH_RX_OFFLOAD_SCATTER
#define RX_CAPA (SCATTER | RTE_ETH_RX_OFFLOAD_TCP_CKSUM)

static int infos_with_offloads(struct rte_eth_dev *d, struct rte_eth_dev_info *info)
{
	int rc = dev.real->dev_infos_get(d, info);

	info->rx_offload_capa = RX_CAPA;
	return rc;
}

static uint64_t rx_now(uint64_t *wanted)
{
	struct pipeline_port_info info;

	CU_ASSERT_EQUAL(pipeline_port_info(whole.pl, 0, &info), 0);
	*wanted = info.rx_wanted;
	return info.rx_now;
}

/* A driver that cannot switch them while it runs: what is asked for comes with the next configuration. */
static void rx_offload__with_the_next_configuration(void)
{
	struct pipeline_offload_report r;
	struct pipeline_reset_report reset;
	uint64_t wanted;

	up();
	dev.ops.dev_infos_get = infos_with_offloads;
	whole.pl->ports[0].rx_capa = RX_CAPA;
	CU_ASSERT_EQUAL(pipeline_rx_offload(whole.pl, 0, RTE_ETH_RX_OFFLOAD_TCP_LRO, true, &r), -ENOTSUP);
	CU_ASSERT_EQUAL(pipeline_rx_offload(whole.pl, 0, SCATTER, false, &r), -EALREADY);
	CU_ASSERT_EQUAL(pipeline_rx_offload(whole.pl, 0, SCATTER, true, &r), 0);
	CU_ASSERT(r.when == OFFLOAD_AFTER_RESET && r.changed == SCATTER && rx_now(&wanted) == 0 && wanted == SCATTER);
	/* Another mind: nothing is left to do. */
	CU_ASSERT_EQUAL(pipeline_rx_offload(whole.pl, 0, SCATTER, false, &r), 0);
	CU_ASSERT(r.when == OFFLOAD_NOW && rx_now(&wanted) == 0 && wanted == 0);
	CU_ASSERT_EQUAL(pipeline_rx_offload(whole.pl, 0, SCATTER, true, &r), 0);
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0, &reset), 0);
	CU_ASSERT(reset.started && reset.rx_on == SCATTER && reset.rx_off == 0 && !reset.reverted);
	CU_ASSERT(rx_now(&wanted) == SCATTER && wanted == SCATTER);
	CU_ASSERT_EQUAL(rte_eth_devices[whole.pl->ports[0].id].data->dev_conf.rxmode.offloads, SCATTER);
	/* Over a stop and a start, too. */
	CU_ASSERT_EQUAL(pipeline_port_stop(whole.pl, 0), 0);
	CU_ASSERT_EQUAL(pipeline_rx_offload(whole.pl, 0, SCATTER, false, &r), 0);
	CU_ASSERT(r.when == OFFLOAD_AFTER_START && rx_now(&wanted) == SCATTER && wanted == 0);
	CU_ASSERT_EQUAL(pipeline_port_start(whole.pl, 0), 0);
	CU_ASSERT(rx_now(&wanted) == 0 && wanted == 0);
	/* Checksums that the device says are good are believed from then on. */
	whole.pl->ports[0].offloads &= ~(uint32_t)NET_RX_CKSUM;
	CU_ASSERT_EQUAL(pipeline_rx_offload(whole.pl, 0, RTE_ETH_RX_OFFLOAD_TCP_CKSUM, true, &r), 0);
	CU_ASSERT((whole.pl->ports[0].offloads & NET_RX_CKSUM) != 0);
	/* What the device then refuses is given up for the configuration. */
	whole.pl->ports[0].eth.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	CU_ASSERT_EQUAL(pipeline_port_reset(whole.pl, 0, &reset), 0);
	CU_ASSERT(reset.started && reset.reverted && rx_now(&wanted) == 0 && wanted == 0);
	down();
}

static const struct test_case cases[] = {
	TEST_CASE(rx_offload__with_the_next_configuration),
	TEST_CASE(port_start__is_finished_when_the_device_answers_late),
	TEST_CASE(port_start__fails_late),
	TEST_CASE(port_stop__workers_let_go_first),
	TEST_CASE(port__reset_and_closed_while_busy),
	TEST_CASE(port_reset__starts_what_was_to_run),
	TEST_CASE(port_reset__keeps_what_was_set),
	TEST_CASE(service_add__left_behind_is_finished),
	TEST_CASE(service_add__while_the_program_ends),
	TEST_CASE(pipeline_stop__with_a_busy_port),
	TEST_CASE(pipeline_look__holds_the_port),
	TEST_CASE(port_info__while_it_changes),
};
TEST_MAIN("pipeline_port_ctl", cases)
