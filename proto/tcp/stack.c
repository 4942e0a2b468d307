/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <rte_common.h>

#include "proto/tcp/conn.h"
#include "proto/tcp/held.h"

const char *const tcp_state_names[TCP_STATES] = {
	"CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT",
	"CLOSING", "LAST-ACK", "TIME-WAIT",
};

#define LISTENERS_MAX 1024
#define RECS_MAX (1u << 20)

void tcp_config_defaults(struct tcp_config *conf)
{
	*conf = (struct tcp_config) {
		.rto_min_ms = 200, .rto_max_ms = 120000,
		.syn_retries = 6, .synack_retries = 5, .retries = 15, .orphan_retries = 8,
		.initial_window = 10, .ttl = 64,
		.nagle = true, .timestamps = true, .sack = true, .window_scaling = true,
		.keepalive_idle_ms = 7200000, .keepalive_interval_ms = 75000, .keepalive_probes = 9,
		.delayed_ack_ms = 40,
		.time_wait_ms = 60000, .fin_wait2_ms = 60000, .time_wait_max = 262144,
		.max_conns = 65536, .half_open_max = 65536,
		.min_mss = 48, .challenge_ack_ms = 500, .rst_rate = 1000,
		.cookies = TCP_COOKIES_AUTO,
		.rcvbuf_initial = 65536, .rcvbuf_max = 4 << 20, .sndbuf_max = 4 << 20,
		.rcv_pinned_max = UINT64_MAX,
		.port_min = 10240, .port_max = 65535,
		.congestion = "cubic", .fast_path = true, .node = -1,
	};
}

static int check_config(const struct tcp_config *conf)
{
	if (conf->max_conns == 0 || conf->half_open_max == 0 || conf->time_wait_max == 0 || conf->secrets == NULL)
		return -EINVAL;
	if (conf->time_wait_max > TCP_TIME_WAIT_MAX || conf->port_min == 0 || conf->port_min > conf->port_max)
		return -EINVAL;
	if ((uint64_t)conf->max_conns + conf->half_open_max + conf->time_wait_max > TCP_OBJECTS_MAX)
		return -EINVAL;
	return 0;
}

/* ---- which objects live ------------------------------------------------- */

static const struct pool *kind_pool(const struct tcp_stack *ts, enum tcp_kind kind)
{
	return kind == TCP_KIND_CONN ? &ts->conns : kind == TCP_KIND_HALF ? &ts->half_opens : &ts->time_waits;
}

static size_t live_len(const struct tcp_stack *ts, enum tcp_kind kind)
{
	return ((size_t)kind_pool(ts, kind)->max / 64 + 1) * 8;
}

static int live_init(struct tcp_stack *ts)
{
	for (enum tcp_kind k = TCP_KIND_CONN; k <= TCP_KIND_TW; k++) {
		void *p = mmap(NULL, live_len(ts, k), PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (p == MAP_FAILED)
			return -ENOMEM;
		ts->live[k - 1] = p;
	}
	return 0;
}

static void live_fini(struct tcp_stack *ts)
{
	for (enum tcp_kind k = TCP_KIND_CONN; k <= TCP_KIND_TW; k++) {
		if (ts->live[k - 1] != NULL)
			munmap(ts->live[k - 1], live_len(ts, k));
	}
}

void tcp_live_set(struct tcp_stack *ts, enum tcp_kind kind, uint32_t idx, bool on)
{
	uint64_t *w = &ts->live[kind - 1][idx / 64];

	if (on)
		*w |= 1ull << idx % 64;
	else
		*w &= ~(1ull << idx % 64);
}

/* ---- create, destroy ---------------------------------------------------- */

static int pools_init(struct tcp_stack *ts)
{
	const struct tcp_config *conf = &ts->conf;
	const struct pool *pools[4] = { NULL, &ts->conns, &ts->half_opens, &ts->time_waits };
	int rc, node = conf->node;

	if ((rc = pool_init(&ts->conns, sizeof(struct tcp_conn), 64, conf->max_conns, node)) != 0 ||
	    (rc = pool_init(&ts->half_opens, sizeof(struct tcp_half_open), 64, conf->half_open_max, node)) != 0 ||
	    (rc = pool_init(&ts->time_waits, sizeof(struct tcp_time_wait), 64, conf->time_wait_max, node)) != 0 ||
	    (rc = pool_init(&ts->listeners, sizeof(struct tcp_listener), 64, LISTENERS_MAX, node)) != 0 ||
	    (rc = pool_init(&ts->recs, TCP_REC_SIZE, 64, RECS_MAX, node)) != 0)
		return rc;
	rc = tcp_table_create(&ts->table, conf->max_conns + conf->half_open_max + conf->time_wait_max, pools);
	return rc != 0 ? rc : live_init(ts);
}

static int parts_init(struct tcp_stack *ts)
{
	int rc;

	if ((rc = tcp_listen_init(ts)) != 0 || (rc = tcp_half_init(ts)) != 0 || (rc = tcp_tw_init(ts)) != 0 ||
	    (rc = tcp_port_init(ts)) != 0 || (rc = tcp_path_init(ts)) != 0 || (rc = tcp_await_init(ts)) != 0 ||
	    (rc = tcp_half_await_init(ts)) != 0 || (rc = tcp_held_init(ts)) != 0)
		return rc;
	return tcp_reset_init(ts);
}

int tcp_stack_create(struct tcp_stack **out, struct net_stack *net, struct wheel *wheel, const struct tcp_config *conf,
		     const struct tcp_user_ops *ops, void *ops_ctx, const struct tcp_steering *steering)
{
	const struct net_env *env = net_environment(net);
	struct net_proto proto = { .input = tcp_input, .error = tcp_icmp_error, .pmtu = tcp_pmtu_changed,
				   .unreachable = tcp_hop_unreachable, .resolved = tcp_hop_resolved };
	struct tcp_stack *ts;
	int rc = check_config(conf);

	if (rc != 0)
		return rc;
	ts = calloc(1, sizeof(*ts));
	if (ts == NULL)
		return -ENOMEM;
	ts->net = net;
	ts->drops = net_stats(net);
	ts->wheel = wheel;
	ts->conf = *conf;
	ts->ops = *ops;
	ts->ops_ctx = ops_ctx;
	if (steering != NULL)
		ts->steering = *steering;
	if (conf->payload_pool != NULL)
		ts->snd_pinned_max = (uint64_t)conf->payload_pool->size *
				     (rte_pktmbuf_data_room_size(conf->payload_pool) + sizeof(struct rte_mbuf));
	env->random(env->ctx, &ts->table_key, sizeof(ts->table_key));
	rc = pools_init(ts);
	if (rc == 0)
		rc = parts_init(ts);
	if (rc != 0) {
		tcp_stack_destroy(ts);
		return rc;
	}
	tcp_timer_init(ts);
	proto.ctx = ts;
	net_stack_register(net, IPPROTO_TCP, &proto);
	*out = ts;
	return 0;
}

/* The queues hold buffers of pools that outlive the stack. */
static void drop_conns(struct tcp_stack *ts)
{
	for (uint32_t idx = 1; idx <= ts->conns.high; idx++) {
		struct tcp_conn *c;

		if (!(ts->live[TCP_KIND_CONN - 1][idx / 64] & 1ull << idx % 64))
			continue;
		c = pool_at(&ts->conns, idx);
		tcp_timers_off(c);
		tcp_snd_free(c);
		tcp_rcv_free(c);
		net_path_close(ts->net, &c->path);
	}
}

void tcp_stack_destroy(struct tcp_stack *ts)
{
	if (ts == NULL)
		return;
	if (ts->live[TCP_KIND_CONN - 1] != NULL)
		drop_conns(ts);
	tcp_reset_fini(ts);
	tcp_held_fini(ts);
	tcp_half_await_fini(ts);
	tcp_await_fini(ts);
	tcp_path_fini(ts);
	tcp_port_fini(ts);
	tcp_tw_fini(ts);
	tcp_half_fini(ts);
	tcp_listen_fini(ts);
	live_fini(ts);
	tcp_table_destroy(ts->table);
	pool_fini(&ts->recs);
	pool_fini(&ts->listeners);
	pool_fini(&ts->time_waits);
	pool_fini(&ts->half_opens);
	pool_fini(&ts->conns);
	free(ts);
}

uint32_t tcp_random(struct tcp_stack *ts)
{
	const struct net_env *env = net_environment(ts->net);
	uint32_t v;

	if (ts->rnd_left < sizeof(v)) {
		env->random(env->ctx, ts->rnd, sizeof(ts->rnd));
		ts->rnd_left = sizeof(ts->rnd);
	}
	ts->rnd_left -= sizeof(v);
	memcpy(&v, ts->rnd + ts->rnd_left, sizeof(v));
	return v;
}

/* ---- the turn ------------------------------------------------------------ */

void tcp_want_output(struct tcp_conn *c)
{
	struct tcp_stack *ts = c->ts;

	if (c->flags & (TCF_IN_OUTPUT | TCF_DEAD))
		return;
	c->flags |= TCF_IN_OUTPUT;
	c->next_output = NULL;
	if (ts->output_head == NULL)
		ts->output_head = c;
	else
		ts->output_tail->next_output = c;
	ts->output_tail = c;
}

void tcp_raise(struct tcp_conn *c, unsigned events)
{
	struct tcp_stack *ts = c->ts;

	if (c->flags & TCF_ORPHAN)
		return;
	c->events |= events;
	if (c->flags & TCF_IN_EVENTS)
		return;
	c->flags |= TCF_IN_EVENTS;
	c->next_event = NULL;
	if (ts->event_head == NULL)
		ts->event_head = c;
	else
		ts->event_tail->next_event = c;
	ts->event_tail = c;
}

/* Only what was on the list at the start: a callback that causes new events
 * has them in the next turn. */
unsigned tcp_deliver(struct tcp_stack *ts, unsigned budget)
{
	struct tcp_conn *last = ts->event_tail, *c;
	unsigned n = 0;
	bool end = false;

	while (!end && n < budget && (c = ts->event_head) != NULL) {
		unsigned events = c->events;

		end = c == last;
		ts->event_head = c->next_event;
		c->flags &= ~TCF_IN_EVENTS;
		c->events = 0;
		if (events == 0 || (c->flags & TCF_ORPHAN))
			continue;
		ts->ops.event(ts->ops_ctx, c, c->user, events);
		n++;
	}
	return n;
}

bool tcp_busy(const struct tcp_stack *ts)
{
	return ts->event_head != NULL || ts->output_head != NULL;
}

struct tcp_stats *tcp_stats(struct tcp_stack *ts)
{
	ts->stats.conns = ts->conns.used - ts->n_dead;
	ts->stats.curr_estab = ts->n_established;
	ts->stats.orphans = tcp_held_total(ts, TCP_HELD_ORPHAN);
	ts->stats.half_open = ts->half_opens.used;
	ts->stats.time_wait = ts->time_waits.used;
	return &ts->stats;
}

uint32_t tcp_objects(const struct tcp_stack *ts)
{
	return ts->conns.used - ts->n_dead + ts->half_opens.used + ts->time_waits.used;
}

struct net_stack *tcp_net(struct tcp_stack *ts)
{
	return ts->net;
}
