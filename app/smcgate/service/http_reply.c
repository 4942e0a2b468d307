/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing answers: small ones copied in one go with their header, bodies
 * referenced where they lie. */
#include <stdio.h>
#include <time.h>

#include "app/smcgate/service/http.h"

static const struct {
	uint16_t status;
	uint8_t counter;
	const char *line;
} statuses[] = {
	{ 200, HTTP_200, "200 OK" }, { 400, HTTP_400, "400 Bad Request" }, { 404, HTTP_404, "404 Not Found" },
	{ 405, HTTP_405, "405 Method Not Allowed" }, { 408, HTTP_408, "408 Request Timeout" },
	{ 413, HTTP_413, "413 Content Too Large" }, { 414, HTTP_414, "414 URI Too Long" },
	{ 431, HTTP_431, "431 Request Header Fields Too Large" }, { 505, HTTP_505, "505 HTTP Version Not Supported" },
};

static unsigned status_index(unsigned status)
{
	unsigned i = 0;

	while (i < RTE_DIM(statuses) - 1 && statuses[i].status != status)
		i++;
	return i;
}

static void refresh_date(struct http_state *st, uint64_t now_us)
{
	time_t now;
	struct tm tm;

	if (st->date[0] != '\0' && now_us - st->date_us < 1000000)
		return;
	now = time(NULL);
	gmtime_r(&now, &tm);
	strftime(st->date, sizeof(st->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	st->date_us = now_us;
}

static char *append(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}
#define APPEND(at, literal) append((at), (literal), sizeof(literal) - 1)

/* Pieces that are ready, put together: this is in the path of every request.
 * All of them together are far below HTTP_HEADER_MAX. */
static size_t build_header(struct http_session *s, unsigned idx, const struct http_body *b, char *buf)
{
	struct http_state *st = s->svc->state;
	char *p = buf;

	p = APPEND(p, "HTTP/1.1 ");
	p = append(p, statuses[idx].line, strlen(statuses[idx].line));
	p = APPEND(p, "\r\nServer: smcgate\r\nDate: ");
	p = append(p, st->date, strlen(st->date));
	p = APPEND(p, "\r\n");
	p = append(p, b->head, b->head_len);
	if (statuses[idx].status == 405)
		p = APPEND(p, "Allow: GET, HEAD\r\n");
	p = s->close_after ? APPEND(p, "Connection: close\r\n\r\n") : APPEND(p, "Connection: keep-alive\r\n\r\n");
	return p - buf;
}

/* The body of an answer that is not 200, as text. */
static void error_body(unsigned idx, struct http_body *b, char *text, size_t size)
{
	int n = snprintf(text, size, "%s\n", statuses[idx].line);

	*b = (struct http_body){ .type = "text/plain", .data = (uint8_t *)text, .size = n };
	http_body_head(b);
}

/* Which body, and under which status: an unknown path is 404. */
static unsigned choose(struct http_session *s, unsigned status, const struct http_body **body)
{
	const struct http_state *st = s->svc->state;
	char path[HTTP_PATH_MAX + 1];

	if (status != 200)
		return status;
	if (http_request_path(s->req, path, sizeof(path)) < 0)
		return 400;
	*body = http_content_find(st->content, path);
	return *body != NULL ? 200 : 404;
}

/* After a fault the parser cannot tell where the next request begins, and what follows a CONNECT may be no HTTP. */
static bool keeps_alive(const struct http_session *s, unsigned status)
{
	return (status == 200 || status == 404 || status == 405) && s->req->complete && !s->svc->draining &&
	       s->req->parser.method != HTTP_CONNECT && http_should_keep_alive(&s->req->parser);
}

bool http_reply(struct http_session *s, unsigned status, uint64_t now_us)
{
	struct http_state *st = s->svc->state;
	char buf[HTTP_HEADER_MAX + HTTP_COPY_MAX], text[64];
	const struct http_body *found = NULL;
	struct http_body err;
	bool head = s->req->parser.method == HTTP_HEAD && s->req->complete;
	unsigned idx;
	size_t len;

	if (sock_send_room(s->sock) < sizeof(buf))
		return false;
	status = choose(s, status, &found);
	idx = status_index(status);
	if (found == NULL) {
		error_body(idx, &err, text, sizeof(text));
		found = &err;
	}
	s->close_after = !keeps_alive(s, status);
	refresh_date(st, now_us);
	len = build_header(s, idx, found, buf);
	if (!head && found->size <= HTTP_COPY_MAX && found->size > 0) {
		memcpy(buf + len, found->data, found->size);
		len += found->size;
	} else if (!head && found->size > 0) {
		s->body = found;
		s->body_off = 0;
	}
	if (sock_send(s->sock, buf, len) != (ssize_t)len) {
		s->body = NULL;
		s->close_after = true; /* dying: the closed event cleans up */
	}
	s->svc->counters[HTTP_REQUESTS]++;
	s->svc->counters[statuses[idx].counter]++;
	s->svc->counters[HTTP_BYTES] += len;
	return true;
}

bool http_reply_body(struct http_session *s)
{
	struct http_state *st = s->svc->state;
	struct rte_mbuf *chain;
	uint32_t len, room;

	while (s->body != NULL) {
		room = sock_send_room(s->sock);
		if (room == 0)
			return false;
		chain = http_body_refs(st->content, s->body, st->ref_pool, s->body_off, room, &len);
		if (len == 0 || sock_give(s->sock, chain, len) < 0) {
			service_chain_free(chain);
			return false;
		}
		s->body_off += len;
		s->svc->counters[HTTP_BYTES] += len;
		if (s->body_off == s->body->size)
			s->body = NULL;
	}
	return true;
}
