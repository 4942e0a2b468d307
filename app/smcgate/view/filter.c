/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/view/filter.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <rte_byteorder.h>
#include <rte_common.h>

struct allowed {
	const char *const *states;
	unsigned n;
	bool service;
};

static int parse_state(struct view_filter *f, const struct allowed *a, const char *name, struct view_error *err)
{
	const char *comma = "";
	size_t at;

	for (unsigned i = 0; i < a->n; i++) {
		if (a->states[i] == NULL || strcasecmp(name, a->states[i]) != 0)
			continue;
		snprintf(f->state, sizeof(f->state), "%s", a->states[i]);
		return 0;
	}
	view_fail(err, 0, "state: found '%s', allowed", name);
	for (unsigned i = 0; i < a->n; i++) {
		if (a->states[i] == NULL)
			continue;
		at = strlen(err->text);
		snprintf(err->text + at, sizeof(err->text) - at, "%s %s", comma, a->states[i]);
		comma = ",";
	}
	return -EINVAL;
}

static int parse_peer(const char *s, struct cfg_prefix *out, struct view_error *err)
{
	int rc = cfg_parse_prefix(s, out);

	if (rc < 0) {
		rc = cfg_parse_ipv4(s, &out->addr);
		out->len = 32;
	}
	return rc < 0 ? view_fail(err, -EINVAL, "peer: found '%s', allowed A.B.C.D or A.B.C.D/LEN", s) : 0;
}

static int parse_key(struct view_filter *f, const struct allowed *a, const char *key, const char *value,
		     struct view_error *err)
{
	uint64_t v = 0;
	int rc;

	if (strcmp(key, "state") == 0)
		return parse_state(f, a, value, err);
	if (strcmp(key, "port") == 0) {
		rc = view_number(value, "port", 1, 65535, &v, err);
		f->port = (uint16_t)v;
		return rc;
	}
	if (strcmp(key, "peer") == 0)
		return parse_peer(value, &f->peer, err);
	if (a->service && strcmp(key, "service") == 0) {
		snprintf(f->service, sizeof(f->service), "%s", value);
		return 0;
	}
	if (strcmp(key, "limit") == 0)
		return view_number(value, "limit", 0, VIEW_SHOWN_MAX, &f->limit, err);
	if (strcmp(key, "skip") == 0)
		return view_number(value, "skip", 0, UINT32_MAX, &f->skip, err);
	return view_fail(err, -EINVAL, "filter: found '%s=', allowed state=, port=, peer=,%s limit=, skip=", key,
			 a->service ? " service=," : "");
}

/* Which of the keys, as a bit; 0: none of them. */
static unsigned key_bit(const char *key)
{
	static const char *const keys[] = { "state", "port", "peer", "service", "limit", "skip" };

	for (unsigned i = 0; i < RTE_DIM(keys); i++)
		if (strcmp(key, keys[i]) == 0)
			return 1u << i;
	return 0;
}

int view_filter_parse(struct view_filter *f, const char *text, const char *const *states, unsigned n, bool service,
		      struct view_error *err)
{
	const struct allowed a = { .states = states, .n = n, .service = service };
	char *copy, *save = NULL;
	unsigned seen = 0;
	int rc = 0;

	memset(f, 0, sizeof(*f));
	f->limit = VIEW_SHOWN_DEFAULT;
	if (text == NULL)
		return 0;
	copy = strdup(text);
	if (copy == NULL)
		return view_failed(err, -ENOMEM, "filter");
	for (char *w = strtok_r(copy, " \t,", &save); w != NULL && rc == 0; w = strtok_r(NULL, " \t,", &save)) {
		char *eq = strchr(w, '=');

		if (eq == NULL) {
			rc = view_fail(err, -EINVAL,
				       "filter: found '%s', allowed KEY=VALUE with state, port, peer,%s limit, skip", w,
				       service ? " service," : "");
			break;
		}
		*eq = '\0';
		if (seen & key_bit(w))
			rc = view_fail(err, -EINVAL, "filter: found '%s=' twice, allowed once", w);
		else
			rc = parse_key(f, &a, w, eq + 1, err);
		seen |= key_bit(w);
	}
	free(copy);
	return rc;
}

static bool peer_in(const struct cfg_prefix *p, const struct net_flow *f)
{
	uint32_t mask = p->len == 0 ? 0 : UINT32_MAX << (32 - p->len);

	return ((rte_be_to_cpu_32(p->addr.v4) ^ rte_be_to_cpu_32(net_flow_raddr4(f))) & mask) == 0;
}

bool view_filter_match(const struct view_filter *f, const struct net_flow *flow, const char *state,
		       const char *service)
{
	if (f->state[0] != '\0' && strcmp(f->state, state) != 0)
		return false;
	if (f->port != 0 && f->port != rte_be_to_cpu_16(flow->lport) && f->port != rte_be_to_cpu_16(flow->rport))
		return false;
	if (f->peer.addr.family != NET_UNSPEC && !peer_in(&f->peer, flow))
		return false;
	return f->service[0] == '\0' || strcmp(f->service, service) == 0;
}

bool view_filter_take(struct view_filter *f)
{
	if (f->matching++ < f->skip || f->shown >= f->limit)
		return false;
	f->shown++;
	return true;
}

void view_set_endpoints(json_t *o, const struct net_flow *f)
{
	struct net_addr l = net_addr_v4(net_flow_laddr4(f)), r = net_addr_v4(net_flow_raddr4(f));
	char buf[NET_ADDR_STRLEN];

	view_set_str(o, "local", net_endpoint_str(&l, f->lport, buf));
	view_set_str(o, "remote", net_endpoint_str(&r, f->rport, buf));
}

void view_set_id(json_t *o, const char *key, unsigned worker, uint64_t id)
{
	char buf[32];

	snprintf(buf, sizeof(buf), "%u.%" PRIu64, worker, id);
	view_set_str(o, key, buf);
}
