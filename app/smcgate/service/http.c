/* SPDX-License-Identifier: BSD-3-Clause */
/* http: HTTP/1.1 with keep-alive and pipelining; GET and HEAD of a body of N
 * octets and of files loaded at start. */
#include <errno.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/service/http.h"

#define HTTP_SWEEP_US 100000
#define HTTP_SWEEP_MAX 256 /* sessions looked at a time and list */

static uint64_t session_now(const struct http_session *s)
{
	return net_now(tcp_net(sock_tcp(s->svc->ss)));
}

/* ---- the lists of sessions by last activity -------------------------------- */
static void list_init(struct http_session *head)
{
	head->next = head;
	head->prev = head;
}

static void list_unlink(struct http_session *s)
{
	s->prev->next = s->next;
	s->next->prev = s->prev;
}

static void list_append(struct http_session *head, struct http_session *s)
{
	s->prev = head->prev;
	s->next = head;
	s->prev->next = s;
	s->next->prev = s;
}

static void to_the_end(struct http_session *s)
{
	struct http_state *st = s->svc->state;

	list_unlink(s);
	list_append(&st->idle, s);
	s->active_us = session_now(s);
}

static void touch(struct http_session *s)
{
	if (s->lingering)
		return;
	s->left = 0;
	to_the_end(s);
}

/* ---- a session's beginning and end ------------------------------------------ */
static void request_free(struct http_session *s)
{
	struct http_state *st = s->svc->state;

	if (s->req == NULL)
		return;
	service_timer_cancel(s->svc, &s->req->timer);
	pool_put(&st->requests, s->req);
	s->req = NULL;
}

static void session_free(struct http_session *s)
{
	struct http_state *st = s->svc->state;

	request_free(s);
	list_unlink(s);
	pool_put(&st->sessions, s);
}

static void session_close(struct http_session *s)
{
	struct sock *sock = s->sock;

	session_free(s);
	sock_close(sock);
}

static void session_abort(struct http_session *s)
{
	struct sock *sock = s->sock;

	session_free(s);
	sock_abort(sock);
}

static int http_accepted(void *ctx, struct sock *sock)
{
	struct service *svc = ctx;
	struct http_state *st = svc->state;
	struct http_session *s = pool_get(&st->sessions);

	if (s == NULL)
		return -ENOMEM;
	*s = (struct http_session){ .sock = sock, .svc = svc };
	list_append(&st->idle, s);
	s->active_us = session_now(s);
	sock_set_user(sock, s);
	sock_nodelay(sock, true);
	svc->counters[HTTP_CONNECTIONS]++;
	return 0;
}

/* ---- requests ----------------------------------------------------------------- */
static void request_timeout(struct service *svc, struct service_timer *t, uint64_t now_us);

static struct http_request *request_begin(struct http_session *s)
{
	struct http_state *st = s->svc->state;
	const struct http_conf *conf = s->svc->conf->conf;
	struct http_request *r = pool_get(&st->requests);

	if (r == NULL)
		return NULL;
	http_request_init(r, s);
	s->req = r;
	service_timer_arm(s->svc, &r->timer, session_now(s) + 1000ull * conf->request_timeout_ms, request_timeout);
	return r;
}

/* Say goodbye in a way the peer can hear: with its data unread, a close would
 * be a reset that overtakes our answer. */
static void finish(struct http_session *s)
{
	struct http_state *st = s->svc->state;

	if (sock_readable(s->sock) == 0 && s->req != NULL && s->req->complete) {
		session_close(s);
		return;
	}
	request_free(s);
	s->lingering = true;
	s->active_us = session_now(s);
	list_unlink(s);
	list_append(&st->linger, s);
	sock_shutdown(s->sock);
}

/* Answer the request of s; true when the next one may be read. */
static bool answer(struct http_session *s, unsigned status)
{
	s->req->status = status;
	if (!http_reply(s, status, session_now(s)) || !http_reply_body(s))
		return false;
	if (s->close_after) {
		finish(s);
		return false;
	}
	request_free(s);
	return true;
}

static void request_timeout(struct service *svc, struct service_timer *t, uint64_t now_us)
{
	struct http_request *r = RTE_PTR_SUB(t, offsetof(struct http_request, timer));
	struct http_session *s = r->session;

	if (r->complete || s->body != NULL)
		return; /* the answer waits for the peer to read: the sweep watches that */
	answer(s, 408);
}

static void discard_input(struct http_session *s)
{
	sock_consume(s->sock, sock_readable(s->sock));
	if (sock_eof(s->sock))
		session_close(s);
}

static void http_readable(void *ctx, struct sock *sock)
{
	struct http_session *s = sock_user(sock);
	struct http_state *st = s->svc->state;
	unsigned status;

	touch(s);
	if (s->lingering) {
		discard_input(s);
		return;
	}
	while (s->body == NULL && (s->req == NULL || s->req->status == 0)) {
		if (sock_readable(sock) == 0)
			break;
		if (s->req == NULL && request_begin(s) == NULL) {
			s->svc->counters[HTTP_ERRORS]++;
			session_abort(s);
			return;
		}
		status = http_request_read(s->req, &st->settings);
		if (status == 0)
			break;
		if (!answer(s, status))
			return;
	}
	if (sock_eof(sock) && s->body == NULL && (s->req == NULL || s->req->status == 0))
		session_close(s);
}

static void http_writable(void *ctx, struct sock *sock)
{
	struct http_session *s = sock_user(sock);
	bool done;

	touch(s);
	if (s->lingering || s->req == NULL || s->req->status == 0)
		return;
	done = s->body != NULL ? http_reply_body(s) : http_reply(s, s->req->status, session_now(s)) && http_reply_body(s);
	if (!done)
		return;
	if (s->close_after) {
		finish(s);
		return;
	}
	request_free(s);
	http_readable(ctx, sock);
}

static void http_closed(void *ctx, struct sock *sock, int error)
{
	struct service *svc = ctx;

	if (error != 0)
		svc->counters[HTTP_ERRORS]++;
	session_close(sock_user(sock));
}

static bool is_answering(const struct http_session *s)
{
	return s->body != NULL || (s->req != NULL && s->req->status != 0);
}

/* Has the peer taken any of the answer since the sweep looked last? TCP lets it keep its window shut for ever. */
static bool advances(struct http_session *s)
{
	uint32_t before = s->left;

	s->left = sock_unacked(s->sock) + 1;
	return before == 0 || s->left < before;
}

/* Close what is older than limit; the oldest are at the head. */
static void sweep(struct service *svc, struct http_session *head, uint64_t limit_us, uint64_t now_us)
{
	struct http_session *s;

	for (unsigned n = 0; n < HTTP_SWEEP_MAX; n++) {
		s = head->next;
		if (s == head || now_us - s->active_us < limit_us)
			return;
		if (is_answering(s) && advances(s)) {
			to_the_end(s);
			continue;
		}
		if (is_answering(s)) {
			svc->counters[HTTP_STALLED]++;
			session_abort(s);
			continue;
		}
		svc->counters[HTTP_IDLE_CLOSED]++;
		session_close(s);
	}
}

static void idle_sweep(struct service *svc, struct service_timer *t, uint64_t now_us)
{
	const struct http_conf *conf = svc->conf->conf;
	struct http_state *st = svc->state;

	if (conf->idle_timeout_ms != 0)
		sweep(svc, &st->idle, 1000ull * conf->idle_timeout_ms, now_us);
	sweep(svc, &st->linger, 1000ull * HTTP_LINGER_MS, now_us);
	service_timer_arm(svc, t, now_us + HTTP_SWEEP_US, idle_sweep);
}

static int http_start(struct service *svc)
{
	struct http_state *st = svc->state;
	struct net_stack *net = tcp_net(sock_tcp(svc->ss));
	uint32_t max = svc->conf->max_connections != 0 ? svc->conf->max_connections : 1u << 20;
	int rc;

	rc = pool_init(&st->sessions, sizeof(struct http_session), 8, max, -1);
	if (rc < 0)
		return rc;
	rc = pool_init(&st->requests, sizeof(struct http_request), 8, max, -1);
	if (rc < 0) {
		pool_fini(&st->sessions);
		return rc;
	}
	list_init(&st->idle);
	list_init(&st->linger);
	st->content = svc->shared;
	st->ref_pool = net_conf(net)->ind_pool;
	http_request_settings(&st->settings);
	service_timer_arm(svc, &st->idle_timer, net_now(net) + HTTP_SWEEP_US, idle_sweep);
	return 0;
}

static void http_stop(struct service *svc)
{
	struct http_state *st = svc->state;

	service_timer_cancel(svc, &st->idle_timer);
	pool_fini(&st->requests);
	pool_fini(&st->sessions);
}

static int http_prepare(const struct config_service *svc, void **shared)
{
	const struct http_conf *conf = svc->conf;

	return http_content_load((struct http_content **)shared, svc->name, conf->directory, conf->body_bytes,
				 conf->max_directory_bytes);
}

static void http_release(void *shared)
{
	http_content_free(shared);
}

static const struct cfg_field http_fields[] = {
	CFG_U64(struct http_conf, body_bytes, "body_bytes", 0, 0, 1 << 30, 1024,
		"Octets of the body served at / when the directory has no index.html."),
	CFG_STRING(struct http_conf, directory, "directory", 0, 1, NULL,
		   "Directory whose files are loaded at start and served by their paths."),
	CFG_U64(struct http_conf, max_directory_bytes, "max_directory_bytes", 0, 1, 1ull << 34, 256 << 20,
		"Most octets the files may have together; above it the service does not start."),
	CFG_U32(struct http_conf, max_request_body, "max_request_body", 0, 0, 1 << 30, 65536,
		"Octets of a request's body that are read (and ignored); a longer one is answered by 413."),
	CFG_U32(struct http_conf, idle_timeout_ms, "idle_timeout_ms", 0, 0, 86400000, 60000,
		"Milliseconds after which a connection without a request is closed, and one whose client takes nothing of "
		"its answer, found at every second look, is reset; 0: never."),
	CFG_U32(struct http_conf, request_timeout_ms, "request_timeout_ms", 0, 100, 3600000, 30000,
		"Milliseconds a request may take to arrive before it is answered by 408."),
	CFG_END
};

static struct service_type http = {
	.name = "http",
	.doc = "Serves a body of N octets and the files of a directory over HTTP/1.1.",
	.listen = SERVICE_LISTEN_REQUIRED,
	.fields = http_fields,
	.conf_size = sizeof(struct http_conf),
	.prepare = http_prepare,
	.release = http_release,
	.state_size = sizeof(struct http_state),
	.start = http_start,
	.stop = http_stop,
	.handler = {
		.accepted = http_accepted, .readable = http_readable, .eof = http_readable, .writable = http_writable,
		.closed = http_closed,
	},
	.counter_names = (const char *const[]){
		"connections", "requests", "status_200", "status_400", "status_404", "status_405", "status_408",
		"status_413", "status_414", "status_431", "status_505", "bytes", "idle_closed", "stalled", "errors", NULL
	},
};
SERVICE_REGISTER(http)
