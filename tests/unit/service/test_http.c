/* SPDX-License-Identifier: BSD-3-Clause */
/* The http service, octet by octet. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/smcgate/service/http.h"
#include "tests/unit/service/fake_sock.h"
#include "tests/unit/test.h"

static struct http_conf conf;
static char out[1 << 20];

static void start(void)
{
	test_eal_init();
	if (conf.max_directory_bytes == 0)
		conf = (struct http_conf){
			.body_bytes = 10, .max_directory_bytes = 1 << 20, .max_request_body = 100,
			.idle_timeout_ms = 1000, .request_timeout_ms = 500,
		};
	CU_ASSERT_EQUAL_FATAL(fake_start(service_find("http"), &conf), 0);
}

static void stop(void)
{
	fake_stop();
	memset(&conf, 0, sizeof(conf));
}

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

/* What must come back, and whether the connection stays open. */
static const struct {
	const char *name, *request, *status;
	bool open;
} requests[] = {
	{ "get", GET, "HTTP/1.1 200 OK\r\n", true },
	{ "head", "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\n", true },
	{ "query", "GET /?a=b HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\n", true },
	{ "percent", "GET /%3f HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", true },
	{ "absolute", "GET http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 200 OK\r\n", true },
	{ "close", "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n", false },
	{ "http10", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", false },
	{ "http10-keep", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200 OK\r\n", true },
	{ "not-found", "GET /none HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", true },
	{ "traversal", "GET /../etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", true },
	{ "post", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 Method Not Allowed\r\n", true },
	{ "put-chunked", "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
	  "HTTP/1.1 405 Method Not Allowed\r\n", true },
	{ "get-body", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 200 OK\r\n", true },
	{ "too-large", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", "HTTP/1.1 413 Content Too Large\r\n", false },
	{ "no-host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", false },
	{ "two-hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", false },
	{ "host-prefix", "GET / HTTP/1.1\r\nHostx: a\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", false },
	{ "garbage", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "HTTP/1.1 400 Bad Request\r\n", false },
	{ "bad-version", "GET / HTTP/x\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", false },
	{ "http2", "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n", false },
	{ "space-colon", "GET / HTTP/1.1\r\nHost: h\r\nContent-Length : 3\r\n\r\nabc", "HTTP/1.1 400 Bad Request\r\n", false },
	{ "connect", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", false },
	{ "bad-escape", "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", false },
	{ "nul-escape", "GET /%00 HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", false },
	{ "upgrade", "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "HTTP/1.1 200 OK\r\n", true },
};

static bool status_is(const char *text, const char *status)
{
	return strncmp(text, status, strlen(status)) == 0;
}

/* Every request, in one piece and in pieces of 1, 2 and 7 octets. */
static void http__requests(void)
{
	static const uint32_t pieces[] = { 0, 1, 2, 7 };

	start();
	for (unsigned i = 0; i < RTE_DIM(requests); i++) {
		for (unsigned p = 0; p < RTE_DIM(pieces); p++) {
			struct sock *s = fake_accept(pieces[p]);

			fake_input_text(s, requests[i].request);
			fake_output(s, out, sizeof(out));
			if (!status_is(out, requests[i].status) || (fake_ended(s) == FAKE_OPEN) != requests[i].open) {
				printf("%s in pieces of %u: end %d, got: %s\n", requests[i].name, pieces[p], fake_ended(s), out);
				CU_FAIL("answer");
			}
			if (fake_ended(s) == FAKE_OPEN || fake_ended(s) == FAKE_SHUT)
				fake_eof(s);
			CU_ASSERT_EQUAL(fake_ended(s), FAKE_CLOSED);
		}
		CU_ASSERT_EQUAL(fake_open(), 0);
		stop();
		start();
	}
	stop();
}

/* The same octet by octet as they arrive. */
static void http__dribble(void)
{
	start();
	struct sock *s = fake_accept(0);

	for (const char *p = GET GET; *p != '\0'; p++)
		fake_input(s, p, 1);
	fake_output(s, out, sizeof(out));
	CU_ASSERT_EQUAL(fake.svc.counters[HTTP_200], 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "Content-Length: 10\r\n"));
	stop();
}

static void http__pipelining(void)
{
	start();
	struct sock *s = fake_accept(5);
	unsigned n = 0;

	fake_input_text(s, GET GET "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" GET);
	fake_output(s, out, sizeof(out));
	for (char *p = out; (p = strstr(p, "200 OK")) != NULL; p++)
		n++;
	CU_ASSERT_EQUAL(n, 4);
	CU_ASSERT_EQUAL(fake.svc.counters[HTTP_REQUESTS], 4);
	stop();
}

/* A body larger than the send queue comes whole, and the next answer after it. */
static void http__large_body_waits_for_room(void)
{
	size_t total = 0, n;
	char *body;

	conf = (struct http_conf){ .body_bytes = 300000, .max_directory_bytes = 1, .max_request_body = 1,
		.idle_timeout_ms = 1000, .request_timeout_ms = 500 };
	start();
	struct sock *s = fake_accept(0);

	fake_input_text(s, GET GET);
	while ((n = fake_output(s, out + total, RTE_MIN(sizeof(out) - total, 10000ul))) > 0)
		total += n;
	body = strstr(out, "\r\n\r\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	CU_ASSERT_EQUAL(strncmp(body + 4, "smcgate serves", 14), 0);
	CU_ASSERT_EQUAL(total, 2 * (300000 + (size_t)(body + 4 - out)));
	CU_ASSERT_TRUE(status_is(body + 4 + 300000, "HTTP/1.1 200 OK"));
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_OPEN);
	stop();
}

/* RFC 9110 10.1.1: who asks whether to send a body is answered before it comes, others are not. */
static void http__expect(void)
{
	static const struct {
		const char *fields, *body, *answer;
	} rows[] = {
		{ "Expect: 100-continue\r\nContent-Length: 3\r\n", "abc", "HTTP/1.1 100 Continue\r\n\r\n" },
		{ "eXPECT: 100-continue\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n" },
		{ "Expect: 100-continue\r\nContent-Length: 101\r\n", NULL, "HTTP/1.1 413 " },
		{ "Expect: 100-continue\r\nContent-Length: 0\r\n", NULL, "HTTP/1.1 405 " },
		{ "Expects: 100-continue\r\nContent-Length: 3\r\n", "abc", "" },
		{ "X-Expect: 100-continue\r\nContent-Length: 3\r\n", "abc", "" },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		start();
		struct sock *s = fake_accept(0);

		fake_input_text(s, "POST / HTTP/1.1\r\nHost: h\r\n");
		fake_input_text(s, rows[i].fields);
		fake_input_text(s, "\r\n");
		out[0] = '\0';
		fake_output(s, out, sizeof(out));
		CU_ASSERT_EQUAL(strncmp(out, rows[i].answer, strlen(rows[i].answer)), 0);
		if (rows[i].body != NULL) {
			CU_ASSERT_EQUAL(strlen(out), strlen(rows[i].answer));
			fake_input_text(s, rows[i].body);
			fake_output(s, out, sizeof(out));
			CU_ASSERT_TRUE(status_is(out, "HTTP/1.1 405 "));
			CU_ASSERT_EQUAL(fake_ended(s), FAKE_OPEN);
		}
		stop();
	}
}

static void http__no_room_for_header(void)
{
	start();
	struct sock *s = fake_accept(0);

	fake_set_room(s, 100);
	fake_input_text(s, GET);
	CU_ASSERT_EQUAL(fake.svc.counters[HTTP_REQUESTS], 0);
	fake_eof(s);
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_OPEN);
	stop();
}

static void http__long_target(void)
{
	static char big[HTTP_PATH_MAX + 64];

	start();
	struct sock *s = fake_accept(0);

	memset(big, 'a', sizeof(big));
	memcpy(big, "GET /", 5);
	fake_input(s, big, sizeof(big));
	fake_output(s, out, sizeof(out));
	CU_ASSERT_TRUE(status_is(out, "HTTP/1.1 414"));
	stop();
}

static void http__header_overflow(void)
{
	static char big[100000];

	start();
	struct sock *s = fake_accept(0);

	memset(big, 'a', sizeof(big));
	fake_input_text(s, "GET / HTTP/1.1\r\nX: ");
	fake_input(s, big, sizeof(big));
	fake_output(s, out, sizeof(out));
	CU_ASSERT_TRUE(status_is(out, "HTTP/1.1 431"));
	stop();
}

static void http__timeouts(void)
{
	start();
	struct sock *idle = fake_accept(0), *slow = fake_accept(0);

	fake_input_text(slow, "GET / HT");
	fake_wait_ms(600);
	fake_output(slow, out, sizeof(out));
	CU_ASSERT_TRUE(status_is(out, "HTTP/1.1 408"));
	CU_ASSERT_EQUAL(fake_ended(slow), FAKE_SHUT);
	CU_ASSERT_EQUAL(fake_ended(idle), FAKE_OPEN);
	fake_wait_ms(600);
	CU_ASSERT_EQUAL(fake_ended(idle), FAKE_CLOSED);
	fake_wait_ms(HTTP_LINGER_MS);
	CU_ASSERT_EQUAL(fake_ended(slow), FAKE_CLOSED);
	CU_ASSERT_EQUAL(fake_open(), 0);
	stop();
}

/* Whoever offers another protocol and sends a body: it is one, and no request. */
static void http__upgrade_with_body(void)
{
	start();
	struct sock *s = fake_accept(0);

	fake_input_text(s, "POST / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 27\r\n\r\n");
	CU_ASSERT_EQUAL(fake_output(s, out, sizeof(out)), 0);
	fake_input_text(s, GET);
	CU_ASSERT_EQUAL(strlen(GET), 27);
	fake_output(s, out, sizeof(out));
	CU_ASSERT_TRUE(status_is(out, "HTTP/1.1 405"));
	CU_ASSERT_EQUAL(fake.svc.counters[HTTP_REQUESTS], 1);
	stop();
}

/* A client that takes nothing of its answer is found at the second look. */
static void http__stalled(void)
{
	conf = (struct http_conf){ .body_bytes = 300000, .max_directory_bytes = 1, .max_request_body = 1,
		.idle_timeout_ms = 1000, .request_timeout_ms = 500 };
	start();
	struct sock *s = fake_accept(0);

	fake_input_text(s, GET);
	fake_wait_ms(1900);
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_OPEN);
	CU_ASSERT_EQUAL(fake_output(s, out, 1000), 999);
	fake_wait_ms(1900);
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_OPEN);
	CU_ASSERT_EQUAL(fake.svc.counters[HTTP_STALLED], 0);
	fake_wait_ms(400);
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_ABORTED);
	CU_ASSERT_EQUAL(fake.svc.counters[HTTP_STALLED], 1);
	CU_ASSERT_EQUAL(fake_open(), 0);
	stop();
}

/* What follows an error answer is read and forgotten until the peer closes. */
static void http__lingers_after_error(void)
{
	start();
	struct sock *s = fake_accept(0);

	fake_input_text(s, "GET / HTTP/1.1\r\n\r\nmore");
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_SHUT);
	fake_input_text(s, "and more");
	CU_ASSERT_EQUAL(sock_readable(s), 0);
	fake_eof(s);
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_CLOSED);
	stop();
}

static void http__reset_in_every_state(void)
{
	static const char *const inputs[] = { "", "GET", GET, "GET / HTTP/1.1\r\n\r\nx" };

	start();
	for (unsigned i = 0; i < RTE_DIM(inputs); i++) {
		struct sock *s = fake_accept(0);

		fake_input_text(s, inputs[i]);
		fake_reset(s, ECONNRESET);
	}
	CU_ASSERT_EQUAL(fake_open(), 0);
	stop();
}

static void http__drain_closes_after_answer(void)
{
	start();
	struct sock *s = fake_accept(0);

	service_drain(&fake.svc);
	fake_input_text(s, GET);
	fake_output(s, out, sizeof(out));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "Connection: close\r\n"));
	CU_ASSERT_EQUAL(fake_ended(s), FAKE_CLOSED);
	stop();
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

static void http__directory(void)
{
	char dir[] = "/tmp/test_http.XXXXXX", sub[64];

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(sub, sizeof(sub), "%s/sub", dir);
	CU_ASSERT_EQUAL(mkdir(sub, 0700), 0);
	write_file(dir, "index.html", "<p>index");
	write_file(dir, "empty.txt", "");
	write_file(dir, ".hidden", "secret");
	write_file(sub, "a b.json", "{}");
	CU_ASSERT_EQUAL(symlink("/etc/passwd", strcat(strcpy(out, dir), "/link")), 0);
	conf = (struct http_conf){ .body_bytes = 10, .max_directory_bytes = 10, .max_request_body = 1,
		.idle_timeout_ms = 1000, .request_timeout_ms = 500 };
	strcpy(conf.directory, dir);
	start();
	struct sock *s = fake_accept(0);

	fake_input_text(s, GET);
	fake_output(s, out, sizeof(out));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "Content-Type: text/html\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "\r\n\r\n<p>index"));
	fake_input_text(s, "GET /sub/a%20b.json HTTP/1.1\r\nHost: h\r\n\r\n");
	fake_output(s, out, sizeof(out));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "application/json\r\n"));
	fake_input_text(s, "GET /empty.txt HTTP/1.1\r\nHost: h\r\n\r\n");
	fake_output(s, out, sizeof(out));
	CU_ASSERT_PTR_NOT_NULL(strstr(out, "Content-Length: 0\r\n"));
	fake_input_text(s, "GET /.hidden HTTP/1.1\r\nHost: h\r\n\r\nGET /link HTTP/1.1\r\nHost: h\r\n\r\n");
	fake_output(s, out, sizeof(out));
	CU_ASSERT_EQUAL(fake.svc.counters[HTTP_404], 2);
	stop();

	/* One octet too many for the bound: it does not start. */
	conf = (struct http_conf){ .max_directory_bytes = 9 };
	strcpy(conf.directory, dir);
	CU_ASSERT_EQUAL(fake_start(service_find("http"), &conf), -EFBIG);
	strcpy(conf.directory, "/nonexistent");
	CU_ASSERT_EQUAL(fake_start(service_find("http"), &conf), -ENOENT);
	memset(&conf, 0, sizeof(conf));
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const struct test_case cases[] = {
	TEST_CASE(http__requests),
	TEST_CASE(http__dribble),
	TEST_CASE(http__pipelining),
	TEST_CASE(http__large_body_waits_for_room),
	TEST_CASE(http__expect),
	TEST_CASE(http__no_room_for_header),
	TEST_CASE(http__long_target),
	TEST_CASE(http__header_overflow),
	TEST_CASE(http__timeouts),
	TEST_CASE(http__upgrade_with_body),
	TEST_CASE(http__stalled),
	TEST_CASE(http__lingers_after_error),
	TEST_CASE(http__reset_in_every_state),
	TEST_CASE(http__drain_closes_after_answer),
	TEST_CASE(http__directory),
};
TEST_MAIN("http", cases)
