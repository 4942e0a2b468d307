/* SPDX-License-Identifier: BSD-3-Clause */
/* echo, discard, proxy and load, octet by octet. */
#include <stdio.h>
#include <stdlib.h>

#include "app/smcgate/service/load.h"
#include "tests/unit/service/fake_sock.h"
#include "tests/unit/test.h"

static char out[1 << 20];

/* A configuration struct with the defaults of the type's table. */
static void *defaults(const char *type, const char *json)
{
	static struct config *cfg;
	struct cfg_errors errs = { 0 };
	char text[2048];

	config_free(cfg);
	cfg = NULL;
	snprintf(text, sizeof(text), "{\"ports\":[{\"name\":\"p\",\"device\":\"net_null0\",\"addresses\":[\"10.0.0.1/24\"]}],"
		 "\"services\":[{\"name\":\"s\",\"type\":\"%s\"%s%s}]}", type, json[0] != '\0' ? "," : "", json);
	if (config_parse_buffer(text, strlen(text), &cfg, &errs) < 0)
		cfg_errors_print(&errs, "smcgate", stdout);
	cfg_errors_free(&errs);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cfg);
	return cfg->services[0].conf;
}

static void start(const char *type, const char *json)
{
	test_eal_init();
	CU_ASSERT_EQUAL_FATAL(fake_start(service_find(type), defaults(type, json)), 0);
}

#define LISTEN "\"listen\":\"10.0.0.1:80\""

static void echo__returns_what_came(void)
{
	start("echo", LISTEN);
	struct sock *s = fake_accept(0);

	fake_input_text(s, "hello ");
	fake_input_text(s, "world");
	fake_output(s, out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, "hello world");
	fake_eof(s);
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_CLOSED);
	fake_stop();
}

static void echo__stops_reading_without_room(void)
{
	start("echo", LISTEN);
	struct sock *s = fake_accept(0);

	fake_set_room(s, 4);
	fake_input_text(s, "abcdefgh");
	CU_ASSERT_EQUAL(sock_readable(s), 4);
	fake_eof(s);
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_OPEN);
	fake_output(s, out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, "abcd");
	CU_ASSERT_EQUAL(fake_output(s, out, sizeof(out)), 4);
	CU_ASSERT_STRING_EQUAL(out, "efgh");
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_CLOSED);
	fake_stop();
}

static void discard__reads_what_it_discards(void)
{
	start("discard", LISTEN);
	struct sock *s = fake_accept(3);

	fake_input_text(s, "0123456789");
	CU_ASSERT_EQUAL(sock_readable(s), 0);
	CU_ASSERT_EQUAL(fake.svc.counters[1], 10);
	CU_ASSERT_EQUAL(fake.svc.counters[2], 525); /* the sum of the ten digits: pieces are below 8 octets */
	fake_eof(s);
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_CLOSED);
	fake_stop();
}

/* ---- proxy ------------------------------------------------------------------------ */
#define TWO_BACKENDS LISTEN ",\"backends\":[\"10.0.0.9:81\",\"10.0.0.9:82\"]"

static unsigned backend_port(unsigned n)
{
	return rte_be_to_cpu_16(fake_connect_args(fake_opened(n))->rport);
}

/* The same sum wherever the octets lie and however they come, each of them in it once. */
static void service_sum__every_place_and_length(void)
{
	static uint8_t buf[2048];
	uint64_t want, seed = 1;

	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)test_random(&seed);
	for (unsigned off = 0; off < 70; off++) {
		want = 0;
		for (uint32_t len = 0; len < 1500; len++) {
			CU_ASSERT_EQUAL_FATAL(service_sum(buf + off, len), want);
			want += buf[off + len];
		}
	}
	memset(buf, 0xff, sizeof(buf));
	CU_ASSERT_EQUAL(service_sum(buf, sizeof(buf)), UINT64_C(255) * sizeof(buf));
}

static void proxy__relays_both_ways(void)
{
	start("proxy", TWO_BACKENDS);
	struct sock *c = fake_accept(0), *b = fake_opened(0);

	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	fake_input_text(c, "early");
	CU_ASSERT_EQUAL(sock_readable(c), 5); /* kept until the back end answers */
	fake_connected(b);
	fake_output(b, out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, "early");
	fake_input_text(b, "answer");
	fake_output(c, out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, "answer");
	/* half-close, carried through, the other way goes on */
	fake_eof(c);
	CU_ASSERT_EQUAL(fake_ended(b), FAKE_SHUT);
	CU_ASSERT_EQUAL(fake_ended(c), FAKE_OPEN);
	fake_input_text(b, "late");
	fake_output(c, out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, "late");
	fake_eof(b);
	CU_ASSERT_EQUAL(fake_ended(b), FAKE_CLOSED);
	CU_ASSERT_EQUAL(fake_ended(c), FAKE_CLOSED);
	fake_stop();
}

/* The octet is urgent on the other side, those around it are not, in order. */
static void proxy__urgent(void)
{
	start("proxy", TWO_BACKENDS);
	struct sock *c = fake_accept(0), *b = fake_opened(0);

	fake_connected(b);
	fake_input_urgent(c, "ab!cd", 3);
	CU_ASSERT_EQUAL(fake_output(b, out, sizeof(out)), 5);
	CU_ASSERT_STRING_EQUAL(out, "ab!cd");
	CU_ASSERT_EQUAL(fake_urgent(b), 3);
	/* The first and the last; no room for it yet. */
	fake_input_urgent(c, "!", 1);
	CU_ASSERT_EQUAL(fake_urgent(b), 6);
	fake_output(b, out, sizeof(out));
	fake_set_room(b, 2);
	fake_input_urgent(c, "xy!z", 3);
	CU_ASSERT_EQUAL(fake_output(b, out, sizeof(out)), 2);
	CU_ASSERT_EQUAL(fake_output(b, out, sizeof(out)), 2);
	CU_ASSERT_STRING_EQUAL(out, "!z");
	CU_ASSERT_EQUAL(fake_urgent(b), 9);
	/* And the other way. */
	fake_input_urgent(b, "!", 1);
	CU_ASSERT_EQUAL(fake_urgent(c), 1);
	fake_output(c, out, sizeof(out));
	fake_eof(c);
	fake_eof(b);
	fake_stop();
}

static void proxy__back_pressure(void)
{
	start("proxy", TWO_BACKENDS);
	struct sock *c = fake_accept(0), *b = fake_opened(0);
	size_t total = 0, n;

	fake_connected(b);
	fake_set_room(b, 1000);
	memset(out, 'x', 5000);
	fake_input(c, out, 5000);
	CU_ASSERT_EQUAL(sock_readable(c), 4000);
	fake_eof(c);
	CU_ASSERT_EQUAL(fake_ended(b), FAKE_OPEN); /* the FIN waits for its data */
	while ((n = fake_output(b, out, sizeof(out))) > 0)
		total += n;
	CU_ASSERT_EQUAL(total, 5000);
	CU_ASSERT_EQUAL(fake_ended(b), FAKE_SHUT);
	fake_stop();
}

static void proxy__round_robin_and_retry(void)
{
	start("proxy", TWO_BACKENDS);
	struct sock *c;

	fake_accept(0);
	fake_accept(0);
	CU_ASSERT_EQUAL(backend_port(0), 81);
	CU_ASSERT_EQUAL(backend_port(1), 82);
	/* the third goes to 81, which refuses: 82 is tried at once */
	c = fake_accept(0);
	CU_ASSERT_EQUAL(backend_port(2), 81);
	fake_reset(fake_opened(2), ECONNREFUSED);
	CU_ASSERT_EQUAL(backend_port(3), 82);
	CU_ASSERT_EQUAL(fake_ended(c), FAKE_OPEN);
	/* 81 is passed over for a while */
	fake_accept(0);
	CU_ASSERT_EQUAL(backend_port(4), 82);
	/* both refuse: the client is reset */
	fake_reset(fake_opened(3), ECONNREFUSED);
	fake_wait_ms(1);
	CU_ASSERT_EQUAL(fake_ended(c), FAKE_ABORTED);
	/* after retry_ms it is asked again */
	fake_wait_ms(2100);
	fake_accept(0);
	fake_accept(0);
	CU_ASSERT_EQUAL(backend_port(5) + backend_port(6), 81 + 82);
	fake_stop();
}

static void proxy__cannot_connect_at_all(void)
{
	start("proxy", TWO_BACKENDS);
	struct sock *c;

	fake_connect_fails(-EADDRNOTAVAIL);
	c = fake_accept(0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(c);
	fake_wait_ms(1);
	CU_ASSERT_EQUAL(fake_ended(c), FAKE_ABORTED);
	fake_stop();
}

static void proxy__reset_carried_through(void)
{
	start("proxy", TWO_BACKENDS);
	struct sock *c = fake_accept(0), *b = fake_opened(0);

	fake_connected(b);
	fake_reset(c, ECONNRESET);
	CU_ASSERT_EQUAL(fake_ended(b), FAKE_ABORTED);
	c = fake_accept(0);
	b = fake_opened(1);
	fake_connected(b);
	fake_reset(b, ECONNRESET);
	CU_ASSERT_EQUAL(fake_ended(c), FAKE_ABORTED);
	fake_stop();
}

static void proxy__protocol_v2_header(void)
{
	static const uint8_t expect[] = {
		0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0, 12,
		10, 0, 0, 99, 10, 0, 0, 1, 1234 >> 8, 1234 & 255, 0, 80, 'x',
	};

	start("proxy", TWO_BACKENDS ",\"proxy_protocol\":\"v2\"");
	struct sock *c = fake_accept(0), *b = fake_opened(0);

	fake_input_text(c, "x");
	fake_connected(b);
	CU_ASSERT_EQUAL(fake_output(b, out, sizeof(out)), sizeof(expect));
	CU_ASSERT_EQUAL(memcmp(out, expect, sizeof(expect)), 0);
	fake_stop();
}

static void protocols__as_configured(void)
{
	static const struct {
		enum config_use listen;
		const char *connect;
		uint16_t in, out;
	} t[] = {
		{ CONFIG_USE_TCP, "", SOCK_TCP, SOCK_TCP },
		{ CONFIG_USE_SMC, ",\"connect_protocol\":\"tcp\"", SOCK_SMC, SOCK_TCP },
		{ CONFIG_USE_TCP, ",\"connect_protocol\":\"smc\"", SOCK_TCP, SOCK_SMC },
	};
	char json[128];

	for (size_t i = 0; i < RTE_DIM(t); i++) {
		const struct sock_connect_args *args;

		fake.listen_protocol = t[i].listen;
		snprintf(json, sizeof(json), TWO_BACKENDS "%s", t[i].connect);
		start("proxy", json);
		(void)fake_accept(0);
		args = fake_connect_args(fake_opened(0));
		CU_ASSERT_EQUAL(fake_listen_args()->protocol, t[i].in);
		CU_ASSERT_STRING_EQUAL(fake_listen_args()->service, "test");
		CU_ASSERT_EQUAL(args->protocol, t[i].out);
		CU_ASSERT_STRING_EQUAL(args->service, "test");
		fake_stop();
	}
	fake.listen_protocol = CONFIG_USE_TCP;
}

/* ---- load --------------------------------------------------------------------------- */
#define TARGET "\"target\":\"10.0.0.9:80\""
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void load__closed_loop_pipeline(void)
{
	start("load", TARGET ",\"connections\":1,\"pipeline\":3,\"http_path\":\"/x\",\"requests_per_connection\":5");
	struct sock *s;

	fake_wait_ms(1);
	s = fake_opened(0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s);
	CU_ASSERT_PTR_NULL(fake_opened(1));
	fake_connected(s);
	fake_output(s, out, sizeof(out));
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_REQUESTS], 3);
	CU_ASSERT_EQUAL(strncmp(out, "GET /x HTTP/1.1\r\nHost: 10.0.0.9:80\r\n\r\n", 38), 0);
	fake_wait_ms(5);
	fake_input_text(s, ANSWER ANSWER);
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_RESPONSES], 2);
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_REQUESTS], 5);
	fake_input_text(s, ANSWER ANSWER ANSWER);
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_RESPONSES], 5);
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_CLOSED); /* done, and another one takes its place */
	fake_wait_ms(1);
	CU_ASSERT_PTR_NOT_NULL(fake_opened(1));
	fake_stop();
}

static void load__open_loop_counts_from_due_time(void)
{
	struct load_shared *shared;

	start("load", TARGET ",\"connections\":2,\"rate\":100,\"request\":\"PING\\\\r\\\\n\",\"response\":\"bytes\",\"response_bytes\":2");
	shared = fake.svc.shared;
	fake_wait_ms(1);
	fake_connected(fake_opened(0));
	fake_connected(fake_opened(1));
	fake_wait_ms(100);
	/* one pipeline entry each: two are out, the others wait for their turn */
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_REQUESTS], 2);
	fake_output(fake_opened(0), out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, "PING\r\n");
	fake_input_text(fake_opened(0), "ok");
	fake_wait_ms(1);
	fake_input_text(fake_opened(0), "ok");
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_RESPONSES], 2);
	/* due at 0 and at 20 ms, answered at about 100 ms */
	CU_ASSERT_TRUE(shared->share[0].latency.min > 70000 && shared->share[0].latency.min < 90000);
	CU_ASSERT_TRUE(shared->share[0].latency.max > 95000 && shared->share[0].latency.max < 105000);
	fake_stop();
}

static void load__answers_nobody_asked_for(void)
{
	start("load", TARGET ",\"connections\":1,\"http_path\":\"/\"");
	fake_wait_ms(1);
	fake_connected(fake_opened(0));
	fake_input_text(fake_opened(0), ANSWER);
	fake_input_text(fake_opened(0), "garbage");
	CU_ASSERT_EQUAL(fake_ended(fake_opened(0)), FAKE_ABORTED);
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_BAD_RESPONSES], 1);
	fake_stop();
}

/* In one piece, so that the fault is in its last octet. */
static void load__answers_twice(void)
{
	start("load", TARGET ",\"connections\":1,\"http_path\":\"/\"");
	fake_wait_ms(1);
	fake_connected(fake_opened(0));
	fake_input_text(fake_opened(0), ANSWER ANSWER);
	CU_ASSERT_EQUAL(fake_ended(fake_opened(0)), FAKE_ABORTED);
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_RESPONSES], 1);
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_BAD_RESPONSES], 1);
	fake_stop();
}

static void load__status_other_than_200_is_bad(void)
{
	start("load", TARGET ",\"connections\":1,\"http_path\":\"/\"");
	fake_wait_ms(1);
	fake_connected(fake_opened(0));
	fake_input_text(fake_opened(0), "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_BAD_RESPONSES], 1);
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_RESPONSES], 0);
	fake_stop();
}

static void load__ends_after_duration(void)
{
	start("load", TARGET ",\"mode\":\"stream\",\"connections\":3,\"duration_s\":1");
	fake_wait_ms(1);
	fake_connected(fake_opened(0));
	CU_ASSERT_TRUE(fake.svc.counters[LOAD_BYTES_OUT] > 0);
	fake_wait_ms(1100);
	CU_ASSERT_EQUAL(fake.svc.counters[LOAD_ENDED], 1);
	CU_ASSERT_EQUAL(fake_open(), 0);
	fake.conf.type->report(&fake.conf, fake.svc.shared, fake.svc.counters, out, sizeof(out));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, " ended"));
	fake.conf.type->report(&fake.conf, fake.svc.shared, fake.svc.counters, out, sizeof(out));
	CU_ASSERT_STRING_EQUAL(out, ""); /* said once */
	fake_stop();
}

static void load__report_line(void)
{
	start("load", TARGET ",\"connections\":1,\"http_path\":\"/\"");
	fake_wait_ms(1);
	fake_connected(fake_opened(0));
	fake_input_text(fake_opened(0), ANSWER);
	fake.conf.type->report(&fake.conf, fake.svc.shared, fake.svc.counters, out, sizeof(out));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "load test: opened 1 "));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, " responses 1 bad 0 "));
	fake_stop();
}

static void load__request_escapes(void)
{
	static const struct { const char *text, *expect; int rc; } t[] = {
		{ "a\\r\\n\\x41\\\\", "a\r\nA\\", 0 }, { "\\q", "", -EINVAL }, { "\\x4", "", -EINVAL }, { "\\", "", -EINVAL },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct load_conf conf = { .mode = LOAD_REQUEST };
		uint8_t *buf = NULL;
		uint32_t len = 0;

		strcpy(conf.request, t[i].text);
		CU_ASSERT_EQUAL(load_make_request(&conf, &buf, &len), t[i].rc);
		if (t[i].rc == 0)
			CU_ASSERT_TRUE(len == strlen(t[i].expect) && memcmp(buf, t[i].expect, len) == 0);
		free(buf);
	}
}

/* Connections come from addresses of ours only. */
static void services__sources_are_ours(void)
{
	static const struct { const char *service, *error; } t[] = {
		{ "\"type\":\"proxy\"," LISTEN ",\"backends\":[\"10.0.0.3:1\"],\"source\":\"10.0.0.1\"", NULL },
		{ "\"type\":\"proxy\"," LISTEN ",\"backends\":[\"10.0.0.3:1\"],\"source\":\"10.0.0.9\"",
		  "$.services[0].source: found \"10.0.0.9\", allowed: an address that a port has" },
		{ "\"type\":\"load\",\"target\":\"10.0.0.3:1\",\"http_path\":\"/\",\"sources\":[\"10.0.0.1\",\"10.0.1.1\"]",
		  "$.services[0].sources[1]: found \"10.0.1.1\", allowed: an address that a port has" },
	};

	for (unsigned i = 0; i < RTE_DIM(t); i++) {
		struct config *cfg = NULL;
		struct cfg_errors errs = { 0 };
		char text[512];

		snprintf(text, sizeof(text), "{\"ports\":[{\"name\":\"p\",\"device\":\"net_null0\",\"addresses\":"
			 "[\"10.0.0.1/24\"]}],\"services\":[{\"name\":\"s\",%s}]}", t[i].service);
		config_parse_buffer(text, strlen(text), &cfg, &errs);
		CU_ASSERT_EQUAL(errs.n, t[i].error != NULL ? 1U : 0U);
		if (t[i].error != NULL && errs.n == 1)
			CU_ASSERT_STRING_EQUAL(errs.lines[0], t[i].error);
		config_free(cfg);
		cfg_errors_free(&errs);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(services__sources_are_ours),
	TEST_CASE(echo__returns_what_came),
	TEST_CASE(echo__stops_reading_without_room),
	TEST_CASE(discard__reads_what_it_discards),
	TEST_CASE(service_sum__every_place_and_length),
	TEST_CASE(proxy__relays_both_ways),
	TEST_CASE(proxy__urgent),
	TEST_CASE(proxy__back_pressure),
	TEST_CASE(proxy__round_robin_and_retry),
	TEST_CASE(proxy__cannot_connect_at_all),
	TEST_CASE(proxy__reset_carried_through),
	TEST_CASE(proxy__protocol_v2_header),
	TEST_CASE(protocols__as_configured),
	TEST_CASE(load__closed_loop_pipeline),
	TEST_CASE(load__open_loop_counts_from_due_time),
	TEST_CASE(load__answers_nobody_asked_for),
	TEST_CASE(load__answers_twice),
	TEST_CASE(load__status_other_than_200_is_bad),
	TEST_CASE(load__ends_after_duration),
	TEST_CASE(load__report_line),
	TEST_CASE(load__request_escapes),
};
TEST_MAIN("relay", cases)
