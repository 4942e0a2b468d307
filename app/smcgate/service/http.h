/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the http service: one session a connection, one request object while
 * a request is coming in or waits for room to be answered. All of one lcore. */
#ifndef HTTP_H
#define HTTP_H

#include <http_parser.h>

#include "app/smcgate/service/http_content.h"
#include "app/smcgate/service/service.h"
#include "pmd/base/pool.h"

#define HTTP_PATH_MAX 1024
#define HTTP_HEADER_MAX 512     /* octets of a response header at most */
#define HTTP_COPY_MAX 2048      /* bodies up to this size are copied, not referenced */
#define HTTP_LINGER_MS 2000     /* reading on after an error answer, so that the peer can read it */

enum http_counter {
	HTTP_CONNECTIONS, HTTP_REQUESTS, HTTP_200, HTTP_400, HTTP_404, HTTP_405, HTTP_408, HTTP_413, HTTP_414, HTTP_431,
	HTTP_505, HTTP_BYTES, HTTP_IDLE_CLOSED, HTTP_STALLED, HTTP_ERRORS,
};

struct http_conf {
	uint64_t body_bytes;
	char directory[256];
	uint64_t max_directory_bytes;
	uint32_t max_request_body;
	uint32_t idle_timeout_ms, request_timeout_ms;
};

struct http_session {
	struct sock *sock;
	struct service *svc;
	struct http_request *req;       /* NULL between requests */
	const struct http_body *body;   /* being sent; NULL: none */
	uint64_t body_off;
	struct http_session *next, *prev; /* in idle or linger, least recently active first */
	uint64_t active_us;
	bool close_after;               /* the answer under way is the last one */
	bool lingering;                 /* all said; reading until the peer closes */
	uint32_t left;                  /* octets unacknowledged when the sweep found it answering, plus 1; 0: not since */
};
static_assert(sizeof(struct http_session) <= 80, "idle sessions are many");

#define HTTP_NAME_MAX 8 /* of field names we look at: Host, Expect */

struct http_request {
	http_parser parser;
	struct http_session *session;
	uint64_t body_len;              /* octets of the request's body seen */
	uint16_t status;                /* decided early: 413, 414, ...; 0: not yet */
	uint16_t path_len;
	uint8_t name_len;               /* of the field's name so far; more than name holds: none we know */
	bool has_host, expects, in_value, complete;
	char name[HTTP_NAME_MAX];
	struct service_timer timer;
	char path[HTTP_PATH_MAX];       /* the target as it came; not terminated */
};

struct http_state {
	struct pool sessions, requests;
	struct http_session idle;       /* list head */
	struct http_session linger;     /* list head: sessions that only wait for the peer's end */
	struct service_timer idle_timer;
	const struct http_content *content;
	struct rte_mempool *ref_pool;   /* buffers without data room, the stack's */
	uint64_t date_us;               /* when date was made */
	char date[40];                  /* RFC 9110 5.6.7, refreshed once a second */
	http_parser_settings settings;
};

/* ---- http_request.c: from octets to a request ------------------------------ */
void http_request_settings(http_parser_settings *set);
void http_request_init(struct http_request *r, struct http_session *s);
/* Parse what the socket holds, consuming it, until the request is complete or
 * nothing is left. 0: need more; otherwise the status to answer with, 200 when
 * the request itself is fine. */
unsigned http_request_read(struct http_request *r, const http_parser_settings *set);
/* The path of the target, percent-decoded, query cut off, terminated, into
 * buf; 0 or -EINVAL. */
int http_request_path(const struct http_request *r, char *buf, size_t size);

/* ---- http_reply.c: from a request to octets ---------------------------------- */
/* Answer with this status. True when everything that has to go before the body
 * was queued; false: no room, call again when writable. */
bool http_reply(struct http_session *s, unsigned status, uint64_t now_us);
/* Queue more of the body; true when all of it is. */
bool http_reply_body(struct http_session *s);

#endif
