/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/sock/fake_smc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_CONNS 16

struct smc_stack {
	const struct smc_user_ops *ops;
	void *ctx;
};

static struct smc_stack stack;
static struct smc_conn conns[FAKE_CONNS];
static unsigned n_conns, handles, no_options, tcp_events;
static uint32_t refusal, last_reason;
static int begin_rc, swallow_rc;

const struct tcp_user_opt smc_tcp_opt = { .len = 6, .bytes = { 0xfe, 6 } };

void fake_smc_reset(void)
{
	n_conns = handles = no_options = tcp_events = 0;
	refusal = last_reason = 0;
	begin_rc = swallow_rc = 0;
}

void fake_smc_refuses(uint32_t reason) { refusal = reason; }
void fake_smc_begin_fails(int rc) { begin_rc = rc; }
void fake_smc_swallows(int rc) { swallow_rc = rc; }
struct smc_conn *fake_smc_begun(void) { return &conns[(n_conns - 1) % FAKE_CONNS]; }
unsigned fake_smc_handles(void) { return handles; }
unsigned fake_smc_tcp_events(void) { return tcp_events; }

unsigned fake_smc_no_options(uint32_t *reason)
{
	*reason = last_reason;
	return no_options;
}

void fake_smc_decide(struct smc_conn *c, const struct smc_decision *d)
{
	struct smc_decision v = *d;

	c->decided = true;
	if (d->outcome == SMC_OUT_TCP) {
		v.tcp = c->tcp;
		tcp_set_user(c->tcp, NULL);
	} else if (d->outcome != SMC_OUT_SMC) {
		tcp_close(c->tcp);
	}
	if (d->outcome != SMC_OUT_SMC) {
		c->tcp = NULL;
		handles--;
	}
	stack.ops->decided(stack.ctx, c, c->user, &v);
}

void fake_smc_event(struct smc_conn *c, unsigned events, int error)
{
	c->error = error;
	stack.ops->event(stack.ctx, c, c->user, events);
}

int smc_stack_create(struct smc_stack **out, const struct smc_config *conf, struct tcp_stack *tcp, struct wheel *wheel,
		     const struct smc_user_ops *ops, void *ops_ctx)
{
	stack = (struct smc_stack){ ops, ops_ctx };
	*out = &stack;
	return 0;
}

void smc_stack_destroy(struct smc_stack *ss) {}

bool smc_offer(struct smc_stack *ss, const struct net_addr *raddr, rte_be16_t rport, const char *service,
	       uint32_t *reason)
{
	*reason = refusal;
	return refusal == 0;
}

bool smc_answer(struct smc_stack *ss, const struct net_flow *flow, const char *service, uint32_t *reason)
{
	*reason = refusal;
	return refusal == 0;
}

void smc_no_option(struct smc_stack *ss, enum smc_role role, uint32_t reason)
{
	no_options++;
	last_reason = reason;
}

static int begin(const struct smc_begin_args *args, struct smc_conn **out)
{
	struct smc_conn *c = &conns[n_conns % FAKE_CONNS];

	if (begin_rc < 0)
		return begin_rc;
	n_conns++;
	handles++;
	*c = (struct smc_conn){
		.user = args->user, .tcp = args->tcp, .rcvbuf = args->rcvbuf, .sndbuf = args->sndbuf };
	tcp_set_user(args->tcp, (void *)((uintptr_t)c | 1));
	*out = c;
	return 0;
}

int smc_accept_begin(struct smc_stack *ss, const struct smc_begin_args *args, struct smc_conn **out)
{
	return begin(args, out);
}

int smc_connect_begin(struct smc_stack *ss, const struct smc_begin_args *args, struct smc_conn **out)
{
	return begin(args, out);
}

static void give_back(struct smc_conn *c, const char *end)
{
	if (c->end != NULL)
		abort(); /* given back twice */
	c->end = end;
	handles--;
	if (c->tcp != NULL) {
		tcp_set_user(c->tcp, NULL);
		tcp_close(c->tcp);
	}
	c->tcp = NULL;
}

void smc_tcp_event(void *tcp_user, unsigned events) { tcp_events |= events; }
int smc_swallow(struct smc_stack *ss, struct tcp_conn *tcp) { return swallow_rc; }
void smc_set_user(struct smc_conn *c, void *user) { c->user = user; }
uint32_t smc_readable(const struct smc_conn *c) { return 5; }
bool smc_eof(const struct smc_conn *c) { return false; }
unsigned smc_peek(const struct smc_conn *c, struct tcp_piece *pieces, unsigned max) { return 2; }
void smc_consume(struct smc_conn *c, uint32_t len) {}
uint32_t smc_read(struct smc_conn *c, void *buf, uint32_t len) { return 2; }
uint32_t smc_take(struct smc_conn *c, uint32_t len, struct rte_mbuf **chain, unsigned *n_segs) { return 3; }
int64_t smc_urgent_mark(const struct smc_conn *c) { return 9; }
uint32_t smc_send_room(struct smc_conn *c) { return 200; }
ssize_t smc_send(struct smc_conn *c, const void *buf, size_t len) { c->sent += (uint32_t)len; return (ssize_t)len; }
int smc_send_urgent(struct smc_conn *c, uint8_t octet) { c->sent++; return octet == '!' ? 0 : -EAGAIN; }
int smc_send_reserve(struct smc_conn *c, uint32_t want, struct tcp_piece pieces[2]) { return 1; }
void smc_send_commit(struct smc_conn *c, uint32_t len) { c->sent += len; }
int smc_give(struct smc_conn *c, struct rte_mbuf *chain, uint32_t len) { return 1; }
uint32_t smc_unacked(const struct smc_conn *c) { return 4; }
void smc_notify_sent(struct smc_conn *c) {}
void smc_cork(struct smc_conn *c, bool on) {}
void smc_nodelay(struct smc_conn *c, bool on) { c->nodelay = on; }
int smc_shutdown(struct smc_conn *c) { return 1; }
void smc_close(struct smc_conn *c) { give_back(c, "closed"); }
void smc_abort(struct smc_conn *c) { give_back(c, "aborted"); }
struct tcp_conn *smc_tcp(struct smc_conn *c) { return c->tcp; }
unsigned smc_poll(struct smc_stack *ss) { return 0; }
unsigned smc_deliver(struct smc_stack *ss, unsigned budget) { return 0; }
unsigned smc_output(struct smc_stack *ss) { return 0; }
bool smc_busy(const struct smc_stack *ss) { return false; }

void smc_get_info(const struct smc_conn *c, struct smc_conn_info *info)
{
	*info = (struct smc_conn_info){ .error = c->error, .state = SMC_ACTIVE, .bytes_in = 1001, .bytes_out = 1002,
					.readable = 5 };
}
