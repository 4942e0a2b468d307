/* SPDX-License-Identifier: BSD-3-Clause */
/* A service's life on one lcore: start, drain, stop, and its timers. */
#include <errno.h>
#include <stdlib.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/service/service.h"

static int service_listen(struct service *svc)
{
	const struct config_service *conf = svc->conf;
	struct net_addr any = conf->listen.addr;

	if (any.v4 == 0)
		any.family = NET_UNSPEC;
	return sock_listen(svc->ss, &(struct sock_listen_args){
		.addr = any, .port = rte_cpu_to_be_16(conf->listen.port),
		.protocol = service_protocol(conf->listen_protocol), .service = conf->name,
		.backlog = conf->backlog, .max_socks = conf->max_connections,
		.max_per_peer = conf->max_connections_per_peer, .handler = &svc->type->handler, .ctx = svc,
	}, &svc->listener);
}

int service_start(struct service *svc, const struct config_service *conf, void *shared, struct sock_stack *ss,
		  struct wheel *wheel, unsigned index, unsigned count)
{
	const struct service_type *type = conf->type;
	int rc = 0;

	*svc = (struct service){
		.conf = conf, .type = type, .ss = ss, .wheel = wheel, .shared = shared, .index = index, .count = count,
	};
	if (type->state_size != 0) {
		svc->state = calloc(1, type->state_size);
		if (svc->state == NULL)
			return -ENOMEM;
	}
	if (type->start != NULL)
		rc = type->start(svc);
	if (rc < 0)
		goto free_state;
	if (conf->listen.addr.family != NET_UNSPEC)
		rc = service_listen(svc);
	if (rc < 0)
		goto stop;
	return 0;

stop:
	if (type->stop != NULL)
		type->stop(svc);
free_state:
	free(svc->state);
	svc->state = NULL;
	return rc;
}

void service_drain(struct service *svc)
{
	svc->draining = true;
	if (svc->listener != NULL)
		sock_unlisten(svc->listener);
	if (svc->type->drain != NULL)
		svc->type->drain(svc);
}

void service_count_connected(struct service *svc, const struct sock *s)
{
	*(sock_transport(s) == SOCK_SMC ? &svc->transports.smc_connected : &svc->transports.tcp_connected) += 1;
}

void service_get_transports(const struct service *svc, struct service_transports *out)
{
	*out = svc->transports;
	if (svc->listener != NULL)
		sock_listener_accepted(svc->listener, &out->smc_accepted, &out->tcp_accepted);
}

uint32_t service_open(const struct service *svc)
{
	uint32_t n = svc->listener == NULL ? 0 : sock_listener_open(svc->listener);

	return svc->type->open == NULL ? n : n + svc->type->open(svc);
}

void service_abort(struct service *svc)
{
	if (svc->listener != NULL)
		sock_listener_abort(svc->listener);
	if (svc->type->abort != NULL)
		svc->type->abort(svc);
}

void service_stop(struct service *svc)
{
	if (svc->type->stop != NULL)
		svc->type->stop(svc);
	if (svc->listener != NULL)
		sock_listener_free(svc->listener);
	free(svc->state);
	svc->listener = NULL;
	svc->state = NULL;
}

static void timer_fired(void *ctx, struct wheel_timer *wt, uint64_t now_us)
{
	struct service_timer *t = RTE_PTR_SUB(wt, offsetof(struct service_timer, wt));

	t->fn(t->svc, t, now_us);
}

void service_wheel_register(struct wheel *wheel)
{
	wheel_register(wheel, WHEEL_SERVICE, timer_fired, NULL);
}

void service_timer_arm(struct service *svc, struct service_timer *t, uint64_t deadline_us,
		       void (*fn)(struct service *svc, struct service_timer *t, uint64_t now_us))
{
	t->fn = fn;
	t->svc = svc;
	wheel_arm(svc->wheel, &t->wt, WHEEL_SERVICE, deadline_us);
}

void service_timer_cancel(struct service *svc, struct service_timer *t)
{
	if (wheel_armed(&t->wt))
		wheel_cancel(svc->wheel, &t->wt);
}

void service_chain_free(struct rte_mbuf *chain)
{
	while (chain != NULL) {
		struct rte_mbuf *next = chain->next;

		chain->next = NULL;
		rte_pktmbuf_free_seg(chain);
		chain = next;
	}
}
