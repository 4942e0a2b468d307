/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading requests: a library parses, we keep the target, see that there is a
 * Host (RFC 9112 3.2) and bound everything. */
#include <errno.h>
#include <strings.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/service/http.h"

#define HTTP_PIECES 8

static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

static int on_url(http_parser *p, const char *at, size_t len)
{
	struct http_request *r = p->data;

	if (r->path_len + len > sizeof(r->path)) {
		r->status = 414;
		return 0;
	}
	memcpy(r->path + r->path_len, at, len);
	r->path_len += len;
	return 0;
}

/* A field name may come in pieces; it ends when its value begins. */
static int on_header_field(http_parser *p, const char *at, size_t len)
{
	struct http_request *r = p->data;

	if (r->in_value) {
		r->in_value = false;
		r->name_len = 0;
	}
	if (len > 0 && at[len - 1] == ' ')
		r->status = 400; /* who else reads it may see another field (RFC 9112 5.1) */
	if (r->name_len + len > sizeof(r->name)) {
		r->name_len = sizeof(r->name) + 1;
		return 0;
	}
	memcpy(r->name + r->name_len, at, len);
	r->name_len = (uint8_t)(r->name_len + len);
	return 0;
}

static bool is_named(const struct http_request *r, const char *name)
{
	return r->name_len == strlen(name) && strncasecmp(r->name, name, r->name_len) == 0;
}

static int on_header_value(http_parser *p, const char *at, size_t len)
{
	struct http_request *r = p->data;

	if (!r->in_value && is_named(r, "host")) {
		if (r->has_host)
			r->status = 400; /* two of them */
		r->has_host = true;
	} else if (!r->in_value && is_named(r, "expect")) {
		r->expects = true;
	}
	r->in_value = true;
	return 0;
}

static bool has_body(const http_parser *p)
{
	return p->flags & F_CHUNKED || (p->content_length != ULLONG_MAX && p->content_length > 0);
}

/* The client waits with the body until it is told (RFC 9110 10.1.1); without room to tell it, it waits in vain
 * and sends it. */
static void say_go_on(struct http_request *r)
{
	struct sock *s = r->session->sock;

	if (sock_send_room(s) >= sizeof(go_on) && sock_send(s, go_on, sizeof(go_on) - 1) != sizeof(go_on) - 1)
		r->status = 400; /* a part of it: nothing can follow that */
}

static int on_headers_complete(http_parser *p)
{
	struct http_request *r = p->data;
	const struct http_conf *conf = r->session->svc->conf->conf;

	if (r->status != 0)
		return 0;
	if (p->http_major > 1)
		r->status = 505;
	else if (!r->has_host && p->http_minor >= 1)
		r->status = 400;
	else if (p->content_length != ULLONG_MAX && p->content_length > conf->max_request_body)
		r->status = 413;
	else if (p->upgrade && p->method == HTTP_CONNECT)
		r->status = 405;
	else if (r->expects && p->http_major == 1 && p->http_minor >= 1 && has_body(p))
		say_go_on(r);
	return 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
	struct http_request *r = p->data;
	const struct http_conf *conf = r->session->svc->conf->conf;

	r->body_len += len;
	if (r->body_len > conf->max_request_body)
		r->status = 413;
	return 0;
}

static int on_message_complete(http_parser *p)
{
	struct http_request *r = p->data;

	r->complete = true;
	http_parser_pause(p, 1);
	return 0;
}

void http_request_settings(http_parser_settings *set)
{
	http_parser_settings_init(set);
	set->on_url = on_url;
	set->on_header_field = on_header_field;
	set->on_header_value = on_header_value;
	set->on_headers_complete = on_headers_complete;
	set->on_body = on_body;
	set->on_message_complete = on_message_complete;
}

void http_request_init(struct http_request *r, struct http_session *s)
{
	memset(r, 0, offsetof(struct http_request, path));
	http_parser_init(&r->parser, HTTP_REQUEST);
	r->parser.data = r;
	r->session = s;
	r->in_value = true; /* the next octet of a name begins a field */
}

/* What a fault of the parser means to the peer. */
static unsigned parse_status(const http_parser *p)
{
	switch (HTTP_PARSER_ERRNO(p)) {
	case HPE_OK:
	case HPE_PAUSED:
		return 0;
	case HPE_HEADER_OVERFLOW:
		return 431;
	default:
		return 400;
	}
}

static unsigned complete_status(const struct http_request *r)
{
	if (r->status != 0)
		return r->status;
	return r->parser.method == HTTP_GET || r->parser.method == HTTP_HEAD ? 200 : 405;
}

unsigned http_request_read(struct http_request *r, const http_parser_settings *set)
{
	struct sock *s = r->session->sock;
	struct tcp_piece pieces[HTTP_PIECES];
	unsigned n, status;

	while (!r->complete && (n = sock_peek(s, pieces, HTTP_PIECES)) > 0) {
		uint32_t used = 0;

		for (unsigned i = 0; i < n && !r->complete; i++) {
			used += http_parser_execute(&r->parser, set, pieces[i].data, pieces[i].len);
			status = parse_status(&r->parser);
			if (status != 0 || (r->status != 0 && !r->complete)) {
				sock_consume(s, used);
				return r->status != 0 ? r->status : status;
			}
		}
		sock_consume(s, used);
	}
	return r->complete ? complete_status(r) : 0;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int http_request_path(const struct http_request *r, char *buf, size_t size)
{
	struct http_parser_url url;
	const char *p, *end;
	size_t n = 0;

	http_parser_url_init(&url);
	if (http_parser_parse_url(r->path, r->path_len, r->parser.method == HTTP_CONNECT, &url) != 0)
		return -EINVAL;
	if ((url.field_set & (1 << UF_PATH)) == 0) {
		if (size < 2)
			return -EINVAL;
		strcpy(buf, "/");
		return 0;
	}
	p = r->path + url.field_data[UF_PATH].off;
	end = p + url.field_data[UF_PATH].len;
	while (p < end) {
		int c = (unsigned char)*p++;

		if (c == '%') {
			if (end - p < 2 || hex(p[0]) < 0 || hex(p[1]) < 0)
				return -EINVAL;
			c = hex(p[0]) << 4 | hex(p[1]);
			p += 2;
		}
		if (c == 0 || n + 1 >= size)
			return -EINVAL;
		buf[n++] = c;
	}
	buf[n] = '\0';
	return 0;
}
