/* SPDX-License-Identifier: BSD-3-Clause */
/* What telemetry answers, asked over its own socket as its clients do. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>
#include <rte_eal.h>
#include <rte_telemetry.h>

#include "app/common/teljson.h"
#include "app/smcgate/telemetry.h"
#include "app/smcgate/view/view.h"
#include "tests/unit/console/run.h"
#include "tests/unit/test.h"

/* ---- pages ------------------------------------------------------------------------- */
static json_t *table(unsigned rows)
{
	json_t *a = json_array();

	for (unsigned i = 0; i < rows; i++)
		json_array_append_new(a,
				      json_pack("{s:i,s:s}", "n", (int)i, "text",
						"some thirty octets of a text."));
	return json_pack("{s:i,s:o}", "all", (int)rows, "rows", a);
}

static void page__covers_all_once(void)
{
	static const unsigned sizes[] = { 0, 1, 5, 255, 256, 257, 600, 3000 };

	for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		unsigned next = 0, seen = 0, pages = 0;

		do {
			json_t *j = table(sizes[s]), *rows = json_object_get(j, "rows"), *row;
			char *text;
			size_t i;

			teljson_page(j, next);
			text = json_dumps(j, JSON_COMPACT);
			CU_ASSERT(strlen(text) < 16000);
			free(text);
			CU_ASSERT(json_array_size(rows) <= 256);
			json_array_foreach(rows, i, row)
				CU_ASSERT_EQUAL(json_integer_value(json_object_get(row, "n")),
						(json_int_t)seen++);
			next = (unsigned)json_integer_value(json_object_get(j, "next"));
			json_decref(j);
		} while (next != 0 && ++pages < 100);
		CU_ASSERT_EQUAL(seen, sizes[s]);
	}
}

static void page__row_larger_than_a_page(void)
{
	char *big = calloc(1, 40000);
	json_t *j;

	memset(big, 'x', 39999);
	j = json_pack("{s:[{s:s},{s:i}]}", "rows", "t", big, "t", 1);
	teljson_page(j, 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(j, "rows")), 1);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(j, "next")), 1);
	json_decref(j);
	j = json_pack("{s:i}", "no", 1);
	teljson_page(j, 7);
	CU_ASSERT_EQUAL(json_object_size(j), 1);
	json_decref(j);
	free(big);
}

/* ---- over the socket ------------------------------------------------------------------- */
static int dial(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	char hello[1024];

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/dpdk_telemetry.v2", rte_eal_get_runtime_dir());
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || read(fd, hello, sizeof(hello)) <= 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The answer to a request, or NULL. */
static json_t *ask(int fd, const char *request)
{
	static char buf[65536];
	json_t *all, *j;
	char cmd[128];
	ssize_t n;

	if (write(fd, request, strlen(request)) < 0)
		return NULL;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return NULL;
	buf[n] = '\0';
	all = json_loads(buf, 0, NULL);
	snprintf(cmd, sizeof(cmd), "%.*s", (int)strcspn(request, ","), request);
	j = json_incref(json_object_get(all, cmd));
	json_decref(all);
	return j;
}

static const char *at(json_t *j, const char *path, char *buf, size_t size)
{
	char copy[128], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *w = strtok_r(copy, ".", &save); w != NULL; w = strtok_r(NULL, ".", &save))
		j = json_is_array(j) ? json_array_get(j, strtoul(w, NULL, 10)) : json_object_get(j, w);
	if (json_is_string(j))
		snprintf(buf, size, "%s", json_string_value(j));
	else
		snprintf(buf, size, "%lld", j == NULL ? -1LL : (long long)json_integer_value(j));
	return buf;
}

static const struct {
	const char *request, *path, *value;
} answers[] = {
	{ "/smcgate/lcore", "lcores.1.lcore", "5" },
	{ "/smcgate/lcore", "lcores.0.busy_percent", "25.0" },
	{ "/smcgate/lcore,2", "stages.2.stage", "input" },
	{ "/smcgate/port/info,left", "ports.0.offloads.0", "tx_tso" },
	{ "/smcgate/port/info,1", "ports.0.rx_lcores.0", "5" },
	{ "/smcgate/port/rx_offload/configuration,1", "ports.0.offloads.0", "TCP_CKSUM" },
	{ "/smcgate/port/rx_offload/configuration,1", "ports.0.after_restart.0", "TCP_CKSUM" },
	{ "/smcgate/port/rss/reta,0", "entries.127.queue", "1" },
	{ "/smcgate/port/rss/hash,0,key", "key", "6D5A01FF" },
	{ "/smcgate/port/rx_offload/capabilities,0", "ports.0.per_queue.0", "SCATTER" },
	{ "/smcgate/port/info,1", "ports.0.promiscuous", "0" },
	{ "/smcgate/port/info,1", "ports.0.node", "-1" },
	{ "/smcgate/port/stats,all", "ports.1.name", "right" },
	{ "/smcgate/port/ctrl,left", "ports.0.latency_p99_us", "128" },
	{ "/smcgate/port/ctrl,0", "ports.0.last.1.command", "class 9 command 3" },
	{ "/smcgate/port/ctrl,1", "ports.0.control_queue", "0" },
	{ "/smcgate/port/coalesce,0", "coalesce.1.state", "differs" },
	{ "/smcgate/port/coalesce,0", "coalesce.1.device_packets", "51" },
	{ "/smcgate/port/queues,all", "queues.0.flows_percent", "12.5" },
	{ "/smcgate/port/queues,all", "queues.3.descriptors", "128" },
	{ "/smcgate/rxq/info,0,0", "descriptors", "64" },
	{ "/smcgate/sockets", "matching", "6" },
	{ "/smcgate/sockets,state=close-wait,limit=1", "shown", "1" },
	{ "/smcgate/sockets,state=close-wait,limit=1", "sockets.0.state", "CLOSE-WAIT" },
	{ "/smcgate/sockets,from=4", "sockets.4.id", "1.1" },
	{ "/smcgate/socket,1.1", "cwnd", "14600" },
	{ "/smcgate/services", "services.0.counters.bytes", "2222" },
	{ "/smcgate/services,web", "open", "3" },
	{ "/smcgate/arp", "neighbours.1.address", "10.0.0.3" },
	{ "/smcgate/routes", "routes.2.via", "10.0.0.254" },
	{ "/smcgate/tcp/stats", "tcp.passive_opens", "10" },
	{ "/smcgate/smc/connections", "connections.3.token", "00000abc" },
	{ "/smcgate/smc/connections,state=active,limit=1", "matching", "2" },
	{ "/smcgate/smc/linkgroups", "linkgroups.1.id", "1.3" },
	{ "/smcgate/smc/links", "links.0.qpn", "131073" },
	{ "/smcgate/smc/stats", "server.fallbacks", "6" },
	{ "/smcgate/smc/stats", "reasons.0.count", "4" },
	{ "/smcgate/smc/stats", "tx.sizes.3.reqs", "14" },
	{ "/smcgate/smc/devices", "devices.0.queue_pairs", "10" },
	{ "/smcgate/smc/device,1", "counters.sent_pkts", "200" },
	{ "/smcgate/smc/peers", "peers.0.peer_reason_code", "0x03030000" },
	{ "/smcgate/smc/policies", "policies.0.peer", "10.0.0.0/8" },
	{ "/smcgate/drops", "lost.1.reason", "tx_queue_full" },
	{ "/smcgate/drops", "consumed_packets", "24" },
	{ "/smcgate/pools", "pools.0.percent", "25.0" },
	{ "/smcgate/config/fwd", "mode", "serve" },
	{ "/smcgate/version", "version", SMCGATE_VERSION },
	{ "/smcgate/capture", "state", "idle" },
	/* faults */
	{ "/smcgate/port/stats", "error", "port stats: N|all is missing" },
	{ "/smcgate/port/stats,0,1", "error", "port stats: '1' is one argument too many" },
	{ "/smcgate/lcore,9", "error", "lcore: found '9', allowed 2, 5" },
	{ "/smcgate/arp,from=x", "error", "from: found 'x', allowed 0..4294967295" },
};

static void answers__like_the_console(void)
{
	char buf[256];
	struct rig r;
	int fd;

	test_eal_init_telemetry();
	rig_up(&r);
	fd = dial();
	CU_ASSERT_FATAL(fd >= 0);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		json_t *j = ask(fd, answers[i].request);

		if (j == NULL || strcmp(at(j, answers[i].path, buf, sizeof(buf)), answers[i].value) != 0)
			printf("\n  %s: %s is '%s'\n", answers[i].request, answers[i].path, j != NULL ? buf :
			       "nothing");
		CU_ASSERT_PTR_NOT_NULL(j);
		CU_ASSERT_STRING_EQUAL(buf, answers[i].value);
		json_decref(j);
	}
	close(fd);
	rig_down(&r);
}

/* Every view answers, whole or with its fault. */
static void answers__every_view(void)
{
	const struct view *v;
	char request[96];
	struct rig r;
	int fd;

	test_eal_init_telemetry();
	rig_up(&r);
	fd = dial();
	for (unsigned n = 0; (v = view_at(n)) != NULL; n++) {
		unsigned required;
		json_t *j;

		view_args(v->args, &required);
		snprintf(request, sizeof(request), "/smcgate/%s%s", v->words, required == 0 ? "" :
			 required == 1 ? ",1" : ",0,0");
		for (char *p = request; *p != '\0'; p++)
			*p = *p == ' ' ? '/' : *p;
		j = ask(fd, request);
		CU_ASSERT(json_is_object(j) && json_object_size(j) > 0);
		if (json_is_string(json_object_get(j, "error")) && json_object_size(j) == 1) {
			printf("\n  %s: %s\n", request, json_string_value(json_object_get(j, "error")));
			CU_FAIL("a view does not answer");
		}
		json_decref(j);
	}
	close(fd);
	rig_down(&r);
}

/* Thousands of sockets come page by page, each once. */
static void answers__pages(void)
{
	char request[96] = "/smcgate/sockets,limit=1000";
	unsigned rows = 0, pages = 0;
	struct rig r;
	int fd;

	test_eal_init_telemetry();
	rig_up(&r);
	fake.sockets = 400;
	fd = dial();
	for (json_int_t next = 1; next != 0 && pages < 100; pages++) {
		json_t *j = ask(fd, request);

		CU_ASSERT_EQUAL(json_integer_value(json_object_get(j, "matching")), 800);
		rows += (unsigned)json_object_size(json_object_get(j, "sockets"));
		next = json_integer_value(json_object_get(j, "next"));
		snprintf(request, sizeof(request), "/smcgate/sockets,limit=1000,from=%lld", (long long)next);
		json_decref(j);
	}
	CU_ASSERT_EQUAL(rows, 800);
	CU_ASSERT(pages > 5);
	close(fd);
	rig_down(&r);
}

static void answers__after_the_end(void)
{
	char buf[256];
	struct rig r;
	json_t *j;
	int fd;

	test_eal_init_telemetry();
	rig_up(&r);
	fd = dial();
	console_stop(r.c);
	r.c = NULL;
	j = ask(fd, "/smcgate/lcore");
	CU_ASSERT_STRING_EQUAL(at(j, "error", buf, sizeof(buf)), "the program begins or ends");
	json_decref(j);
	close(fd);
	rig_down(&r);
}

static const struct test_case cases[] = {
	TEST_CASE(page__covers_all_once),
	TEST_CASE(page__row_larger_than_a_page),
	TEST_CASE(answers__like_the_console),
	TEST_CASE(answers__every_view),
	TEST_CASE(answers__pages),
	TEST_CASE(answers__after_the_end),
};
TEST_MAIN("console_telemetry", cases)
