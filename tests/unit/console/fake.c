/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/console/fake.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bus_vdev.h>
#include <rte_ethdev.h>

#include "tests/unit/test.h"

struct pipeline {
	struct config *cfg;
	struct rte_mempool *pool;
	uint16_t id[2];
	struct config_service *added;
};

struct fake fake;

static const char *const counter_names[] = { "requests", "bytes", NULL };
static struct service_type serve = {
	.name = "dummy", .doc = "Serves nothing.", .listen = SERVICE_LISTEN_REQUIRED,
		.counter_names = counter_names,
};
SERVICE_REGISTER(serve)

const char *const pipeline_stage_names[PIPELINE_N_STAGES] = {
#define NAME(id, name) name,
	PIPELINE_STAGES(NAME)
};
const char *const pipeline_drop_names[PIPELINE_N_DROPS] = { PIPELINE_DROPS(NAME) };
#undef NAME

static int did(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fake.did, sizeof(fake.did), fmt, ap);
	va_end(ap);
	return fake.rc;
}

/* ---- life --------------------------------------------------------------------------- */
static const char config_text[] =
	"{\"ports\": [{\"name\": \"left\", \"device\": \"net_null0\", \"addresses\": [\"10.0.0.1/24\"]},"
	" {\"name\": \"right\", \"device\": \"net_null1\", \"addresses\": [\"10.0.1.1/24\"]}],"
	" \"lcores\": [{\"lcore\": 2, \"queues\": [{\"port\": \"left\", \"queue\": 0}]},"
	" {\"lcore\": 5, \"queues\": [{\"port\": \"right\", \"queue\": 0}]}],"
	" \"rdma\": [{\"name\": \"roce0\", \"port\": \"left\"}, {\"name\": \"1\", \"port\": \"right\"}],"
	" \"gateway\": \"10.0.0.254\","
	" \"services\": [{\"name\": \"web\", \"type\": \"dummy\", \"listen\": \"10.0.0.1:80\"}],"
	" \"console\": {\"socket\": \"%s\"}, \"capture\": {%s%s%s\"max_bytes\": 1000000}}";

static int start_port(struct pipeline *pl, unsigned p)
{
	struct rte_eth_conf conf = { 0 };
	char name[32];

	snprintf(name, sizeof(name), "net_null%u", p);
	if (rte_eth_dev_get_port_by_name(name, &pl->id[p]) != 0 &&
	    (rte_vdev_init(name, "size=64,copy=1") != 0 ||
	     rte_eth_dev_get_port_by_name(name, &pl->id[p]) != 0))
		return -ENODEV;
	(void)rte_eth_dev_stop(pl->id[p]);
	if (rte_eth_dev_configure(pl->id[p], 1, 1, &conf) != 0 ||
	    rte_eth_rx_queue_setup(pl->id[p], 0, 64, 0, NULL, pl->pool) != 0 ||
	    rte_eth_tx_queue_setup(pl->id[p], 0, 64, 0, NULL) != 0)
		return -EIO;
	return rte_eth_dev_start(pl->id[p]);
}

struct pipeline *fake_start(const char *socket, const char *capture_dir)
{
	struct pipeline *pl = calloc(1, sizeof(*pl));
	struct cfg_errors errs = { 0 };
	bool capture = capture_dir[0] != '\0';
	char text[2048];

	test_eal_init();
	memset(&fake, 0, sizeof(fake));
	fake.state[0] = fake.state[1] = PORT_STARTED;
	fake.slow_fd[0] = fake.slow_fd[1] = -1;
	fake.sockets = 3;
	fake.neighbours = 2;
	snprintf(text, sizeof(text), config_text, socket, capture ? "\"directory\": \"" : "", capture_dir,
		 capture ? "\", " : "");
	if (config_parse_buffer(text, strlen(text), &pl->cfg, &errs) < 0)
		cfg_errors_print(&errs, "smcgate", stderr);
	cfg_errors_free(&errs);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pl->cfg);
	pl->pool = rte_pktmbuf_pool_create("fake", 1023, 32, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pl->pool);
	for (unsigned p = 0; p < 2; p++)
		CU_ASSERT_EQUAL_FATAL(start_port(pl, p), 0);
	return pl;
}

void fake_stop(struct pipeline *pl)
{
	for (unsigned p = 0; p < 2; p++) {
		(void)rte_eth_dev_stop(pl->id[p]);
		rte_eth_stats_reset(pl->id[p]);
	}
	rte_mempool_free(pl->pool);
	if (pl->added != NULL)
		config_service_free(pl->added);
	config_free(pl->cfg);
	free(pl);
}

uint16_t fake_ethdev(unsigned port)
{
	char name[32];
	uint16_t id = 0;

	snprintf(name, sizeof(name), "net_null%u", port);
	(void)rte_eth_dev_get_port_by_name(name, &id);
	return id;
}

static pthread_mutex_t looking = PTHREAD_MUTEX_INITIALIZER;

void pipeline_look_begin(void) { pthread_mutex_lock(&looking); }
void pipeline_look_end(void) { pthread_mutex_unlock(&looking); }

static __thread const struct pipeline_waiter *waiter;

void pipeline_wait_as(const struct pipeline_waiter *w)
{
	waiter = w;
}

static int cancel_fd(void) { return waiter != NULL ? waiter->cancel_fd : -1; }

/* A device that answers when fd is readable. */
static int wait_for_device(int fd)
{
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .fd = cancel_fd(), .events = POLLIN } };
	int rc;

	if (waiter != NULL && waiter->begin != NULL)
		waiter->begin(waiter->arg);
	__atomic_fetch_add(&fake.waiting, 1, __ATOMIC_SEQ_CST);
	rc = poll(fds, 2, TEST_PATIENCE_MS) <= 0 ? -EINPROGRESS : (fds[0].revents & POLLIN) != 0 ? 0 : -ECANCELED;
	__atomic_fetch_sub(&fake.waiting, 1, __ATOMIC_SEQ_CST);
	if (waiter != NULL && waiter->end != NULL)
		waiter->end(waiter->arg);
	return rc;
}

int pipeline_busy(struct pipeline *pl, unsigned port, struct pipeline_busy *out)
{
	*out = fake.busy;
	return fake.busy.what[0] != '\0' ? 0 : -ENOENT;
}

const struct config *pipeline_config(const struct pipeline *pl) { return pl->cfg; }
unsigned pipeline_workers(const struct pipeline *pl) { return 2; }
unsigned pipeline_ports(const struct pipeline *pl) { return 2; }
uint64_t pipeline_now_us(const struct pipeline *pl) { return 10000000; }
int pipeline_sync(struct pipeline *pl) { return 0; }

/* What a question to a worker comes back with. */
static int asked(unsigned i)
{
	struct pollfd fd = { .fd = cancel_fd(), .events = POLLIN };

	if (i >= 2)
		return -ENOENT;
	if (fake.wait_for_cancel)
		return poll(&fd, 1, TEST_PATIENCE_MS) > 0 ? -ECANCELED : -ETIMEDOUT;
	return fake.rc;
}

/* ---- forwarding, ports ----------------------------------------------------------------- */
enum config_forward pipeline_fwd(const struct pipeline *pl) { return CONFIG_FWD_SERVE; }
int pipeline_set_fwd(struct pipeline *pl, enum config_forward mode) { return did("set_fwd %d", mode); }
int pipeline_fwd_start(struct pipeline *pl) { return did("fwd_start"); }
int pipeline_fwd_stop(struct pipeline *pl) { return did("fwd_stop"); }
bool pipeline_forwarding(const struct pipeline *pl) { return true; }
unsigned pipeline_burst(const struct pipeline *pl) { return 32; }
int pipeline_set_burst(struct pipeline *pl, unsigned burst) { return did("set_burst %u", burst); }

int pipeline_port_info(struct pipeline *pl, unsigned port, struct pipeline_port_info *out)
{
	if (port >= 2)
		return -ENODEV;
	memset(out, 0, sizeof(*out));
	*out = (struct pipeline_port_info){
		.id = pl->id[port], .state = fake.state[port], .node = -1, .peer = (uint16_t)(1 - port),
		.rx_queues = 1, .tx_queues = 1, .rx_descriptors = 64, .tx_descriptors = 64, .mtu = 1500,
		.descriptors_min = 8, .descriptors_max = { 1024, 1024 },
		.mac = { .addr_bytes = { 2, 0, 0, 0, 0, (uint8_t)port } },
			.offloads = NET_TX_TSO | NET_RX_CKSUM,
		.rx_capa = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_SCATTER,
		.rx_queue_capa = RTE_ETH_RX_OFFLOAD_SCATTER, .rx_now = RTE_ETH_RX_OFFLOAD_TCP_CKSUM,
		.rx_wanted = RTE_ETH_RX_OFFLOAD_TCP_CKSUM | (port == 1 ? RTE_ETH_RX_OFFLOAD_SCATTER : 0),
		.rx_worker = { (uint8_t)port }, .tx_worker = { (uint8_t)port },
	};
	snprintf(out->name, sizeof(out->name), "%s", pl->cfg->ports[port].name);
	snprintf(out->device, sizeof(out->device), "net_null%u", port);
	snprintf(out->driver, sizeof(out->driver), "net_null");
	return 0;
}

/* The second worker has no queue of its own. */
int pipeline_bql_info(struct pipeline *pl, unsigned port, unsigned i, struct pipeline_bql_info *out)
{
	if (i != 0)
		return -ENOENT;
	*out = (struct pipeline_bql_info){ .limited = true, .limit = 30280, .in_flight = 1514, .sent = 9084, .done = 7570 };
	return 0;
}

int pipeline_port_start(struct pipeline *pl, unsigned port) { return did("port_start %u", port); }
int pipeline_port_stop(struct pipeline *pl, unsigned port) { return did("port_stop %u", port); }
int pipeline_port_close(struct pipeline *pl, unsigned port) { return did("port_close %u", port); }
int pipeline_port_reset(struct pipeline *pl, unsigned port, struct pipeline_reset_report *report)
{
	int rc = fake.slow_fd[port] >= 0 ? wait_for_device(fake.slow_fd[port]) : 0;

	*report = fake.report;
	return rc < 0 ? rc : did("port_reset %u", port);
}

int pipeline_port_clear(struct pipeline *pl, unsigned port, bool all)
{
	int rc = all ? rte_eth_xstats_reset(pl->id[port]) : rte_eth_stats_reset(pl->id[port]);

	return fake.rc != 0 ? fake.rc : rc;
}

int pipeline_port_mtu(struct pipeline *pl, unsigned port,
		      uint16_t mtu) { return did("mtu %u %u", port, mtu); }

int pipeline_port_promiscuous(struct pipeline *pl, unsigned port, bool on)
{
	return did("promisc %u %s", port, on ? "on" : "off");
}

/* ---- counters --------------------------------------------------------------------------- */
int pipeline_lcore_stats(struct pipeline *pl, unsigned i, struct pipeline_lcore_stats *out)
{
	memset(out, 0, sizeof(*out));
	out->lcore = pl->cfg->lcores[i].lcore;
	out->now_us = 1000000;
	out->turns = 100;
	out->busy_turns = 10;
	out->rx_packets = 40;
	out->tx_packets = 20;
	out->busy_cycles = 1000;
	out->stage_cycles[STAGE_INPUT] = 1000;
	out->stage_cycles[STAGE_IDLE] = 3000;
	out->drop[PDROP_TX_QUEUE] = 3 * i;
	out->drop[PDROP_FWD_RXONLY] = 5;
	return asked(i);
}

int pipeline_lcore_clear(struct pipeline *pl, unsigned i) { return did("clear %u", i); }
bool pipeline_drop_is_loss(enum pipeline_drop d) { return d != PDROP_FWD_RXONLY; }

int pipeline_pool_list(struct pipeline *pl, unsigned i, struct pipeline_pool_info *out)
{
	out[0] = (struct pipeline_pool_info){ .name = "rx", .size = 1000, .in_use = 250, .node = 0 };
	return 1;
}

int pipeline_net_stats(struct pipeline *pl, unsigned i, struct net_stats *out)
{
	memset(out, 0, sizeof(*out));
	out->rx_packets = 40;
	out->drop[DROP_IP_TTL] = 1;
	out->drop[DROP_TCP_DONE] = 7;
	return asked(i);
}

int pipeline_tcp_stats(struct pipeline *pl, unsigned i, struct tcp_stats *out)
{
	memset(out, 0, sizeof(*out));
	out->passive_opens = 5;
	return asked(i);
}

int pipeline_sock_stats(struct pipeline *pl, unsigned i, struct sock_stats *out)
{
	memset(out, 0, sizeof(*out));
	out->accepted = 4;
	return asked(i);
}

/* Socket n of a worker: from 10.0.0.(10 + n), state and port by its number. */
static void fill_sock(unsigned n, struct sock_info *s)
{
	struct net_addr l = net_addr_v4(rte_cpu_to_be_32(0x0a000001)), r;

	memset(s, 0, sizeof(*s));
	r = net_addr_v4(rte_cpu_to_be_32(0x0a00000a + n % 200));
	s->id = n;
	s->protocol = s->transport = SOCK_TCP;
	if (n % 3 != 0)
		s->protocol = SOCK_SMC;
	if (n % 3 == 1) {
		s->reason = SMC_RSN_PEERDECL;
		s->peer_reason = SMC_RSN_NOSMCDEV;
	} else if (n % 3 == 2) {
		s->transport = SOCK_SMC;
	}
	memcpy(s->tcp.flow.laddr, l.b, 16);
	memcpy(s->tcp.flow.raddr, r.b, 16);
	s->tcp.flow.lport = rte_cpu_to_be_16(n % 2 == 0 ? 80 : 8080);
	s->tcp.flow.rport = rte_cpu_to_be_16((uint16_t)(1000 + n));
	s->tcp.flow.family = NET_IPV4;
	s->tcp.state = n % 3 == 2 ? TCP_CLOSE_WAIT : TCP_ESTABLISHED;
	s->tcp.cwnd = 14600;
	s->tcp.ssthresh = UINT32_MAX;
	s->tcp.srtt_us = 123;
	s->tcp.bytes_in = n;
	s->bytes_in = n + 500000; /* by SMC */
	s->bytes_out = n + 600000;
	s->tcp.congestion = "cubic";
	s->tcp.recovery = "open";
}

int pipeline_sock_list(struct pipeline *pl, unsigned i, uint64_t *cursor, struct sock_info *out, unsigned max)
{
	unsigned n = 0;
	int rc = asked(i);

	if (rc < 0)
		return rc;
	while (n < max && *cursor < fake.sockets)
		fill_sock((unsigned)(*cursor)++, &out[n++]);
	return (int)n;
}

int pipeline_sock_info(struct pipeline *pl, unsigned i, uint64_t id, struct sock_info *out)
{
	if (i != 1 || id >= fake.sockets)
		return -ENOENT;
	fill_sock((unsigned)id, out);
	return asked(i);
}

int pipeline_neigh_list(struct pipeline *pl, unsigned i, unsigned skip, struct net_neigh_info *out,
			unsigned max)
{
	unsigned n = 0;

	for (; n < max && skip + n < fake.neighbours; n++)
		out[n] = (struct net_neigh_info){
			.addr = net_addr_v4(rte_cpu_to_be_32(0x0a000002 + skip + n)), .confirmed_us = 9000000,
			.mac = { .addr_bytes = { 2, 0, 0, 0, 1, (uint8_t)(skip + n) } },
				.state = NEIGH_REACHABLE,
		};
	return (int)n;
}

/* ---- services --------------------------------------------------------------------------- */
unsigned pipeline_services(struct pipeline *pl) { return 1; }

int pipeline_service_info(struct pipeline *pl, unsigned n, struct pipeline_service_info *out)
{
	if (n > 0)
		return -ENOENT;
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "web");
	out->conf = &pl->cfg->services[0];
	out->open = 3;
	out->counters[0] = 11;
	out->counters[1] = 2222;
	out->transports = (struct service_transports){ .smc_accepted = 5151, .tcp_accepted = 6060, .tcp_connected = 1 };
	return 0;
}

int pipeline_service_add(struct pipeline *pl, struct config_service *conf)
{
	int rc = did("service_add %s", conf->name);

	if (pl->added != NULL)
		config_service_free(pl->added);
	pl->added = conf;
	return rc;
}

static int known(const char *name) { return strcmp(name, "web") == 0 ? 0 : -ENOENT; }

int pipeline_service_find(struct pipeline *pl, const char *name) { return known(name); }

int pipeline_service_drain(struct pipeline *pl, const char *name)
{
	int rc = known(name);

	return rc < 0 ? rc : did("drain %s", name);
}

int pipeline_service_remove(struct pipeline *pl, const char *name)
{
	int rc = known(name);

	return rc < 0 ? rc : did("remove %s", name);
}
