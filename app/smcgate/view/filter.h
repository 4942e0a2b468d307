/* SPDX-License-Identifier: BSD-3-Clause */
/* The filters of lists of connections: words of KEY=VALUE, apart by blanks or
 * commas, and what they choose. */
#ifndef VIEW_FILTER_H
#define VIEW_FILTER_H

#include "app/smcgate/view/view.h"

#define VIEW_SHOWN_DEFAULT 100
#define VIEW_SHOWN_MAX 100000

struct view_filter {
	char state[24];           /* "": any */
	uint16_t port;            /* local or remote; 0: any */
	struct cfg_prefix peer;   /* family NET_UNSPEC: any */
	char service[CONFIG_NAME_LEN]; /* "": any */
	uint64_t limit, skip;
	uint64_t matching, shown; /* so far, by view_filter_take() */
};

/* text NULL: everything, VIEW_SHOWN_DEFAULT of it. states: names allowed, n of
 * them, in any case; NULL among them are passed over. service: that key too. */
int view_filter_parse(struct view_filter *f, const char *text, const char *const *states, unsigned n, bool service,
		      struct view_error *err);
/* Does it choose this one? state and service as shown. */
bool view_filter_match(const struct view_filter *f, const struct net_flow *flow, const char *state,
		       const char *service);
/* One more that matches: shall it be shown? */
bool view_filter_take(struct view_filter *f);

/* "local" and "remote" of a flow; "id" as WORKER.ID, since each worker numbers its own. */
void view_set_endpoints(json_t *o, const struct net_flow *f);
void view_set_id(json_t *o, const char *key, unsigned worker, uint64_t id);

#endif
