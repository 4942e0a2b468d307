/* SPDX-License-Identifier: BSD-3-Clause */
/* SMC of one lcore: made of its three parts, and its share of a turn. */
#include <errno.h>
#include <stdlib.h>

#include "proto/smc/link.h"

#include "proto/smc/conn.h"
#include "proto/smc/handshake.h"
#include "proto/smc/mem.h"

void smc_config_defaults(struct smc_config *conf)
{
	*conf = (struct smc_config){
		.enabled = true, .max_links = 1, .max_conns = CLC_MAX_CONNS, .conns_max = 65536, .lgrs_max = 64,
		.lgrs_per_peer = 4, .handshakes_max = 1024, .handshakes_per_peer = 256, .peers_max = 4096,
		.rmb_size = 65536, .sndbuf_size = 65536, .give_min = 4096, .clc_wait_ms = 6000, .llc_wait_ms = 2000,
		.confirm_wait_ms = 4000, .testlink_ms = 30000, .idle_server_ms = 600000, .idle_client_ms = 610000,
		.close_wait_ms = 60000, .tcp_fin_wait_ms = 3000, .failures = 3, .forget_ms = 60000,
		.autocork = 65536, .ack_timeout = 15, .retry = 7, .rnr_retry = RD_RETRY_INFINITE, .min_rnr_timer = 5,
		.send_slots = 16, .recv_slots = 48, .node = -1,
	};
}

static int check(const struct smc_config *conf)
{
	if (conf->n_devs > SMC_MAX_DEVS || conf->n_eids > SMC_MAX_EIDS || conf->n_policies > SMC_MAX_POLICIES ||
	    conf->n_regions > SMC_MAX_REGIONS)
		return -EINVAL;
	if (conf->max_conns < CLC_MIN_CONNS || conf->max_links < 1 || conf->max_links > CLC_MAX_LINKS)
		return -EINVAL;
	return 0;
}

static int init_parts(struct smc_stack *ss)
{
	int rc = smc_hs_init(ss);

	if (rc < 0)
		return rc;
	rc = smc_link_init(ss);
	if (rc < 0)
		goto fini_hs;
	rc = smc_conn_init(ss);
	if (rc < 0)
		goto fini_link;
	return 0;

fini_link:
	smc_link_fini(ss);
fini_hs:
	smc_hs_fini(ss);
	return rc;
}

int smc_stack_create(struct smc_stack **out, const struct smc_config *conf, struct tcp_stack *tcp, struct wheel *wheel,
		     const struct smc_user_ops *ops, void *ops_ctx)
{
	struct smc_stack *ss;
	int rc = check(conf);

	if (rc < 0)
		return rc;
	ss = calloc(1, sizeof(*ss));
	if (ss == NULL)
		return -ENOMEM;
	ss->tcp = tcp;
	ss->net = tcp_net(tcp);
	ss->wheel = wheel;
	ss->ops = ops;
	ss->ops_ctx = ops_ctx;
	ss->conf = *conf;
	ss->n_devs = conf->n_devs;
	for (unsigned i = 0; i < conf->n_devs; i++)
		ss->devs[i] = (struct smc_dev){ .rd = conf->devs[i].rd, .ifx = conf->devs[i].ifx, .enabled = true };
	rc = smc_set_eids(ss, conf->eids, conf->n_eids);
	if (rc == 0)
		rc = smc_set_policies(ss, conf->policies, conf->n_policies);
	if (rc == 0)
		rc = init_parts(ss);
	if (rc < 0) {
		free(ss);
		return rc;
	}
	*out = ss;
	return 0;
}

void smc_stack_destroy(struct smc_stack *ss)
{
	if (ss == NULL)
		return;
	smc_conn_fini(ss);
	smc_link_fini(ss);
	smc_gives_free(ss);
	smc_hs_fini(ss);
	free(ss);
}

void smc_stack_stop(struct smc_stack *ss)
{
	ss->stopping = true;
	ss->strangers_may = false;
	for (struct smc_lgr *lgr = ss->lgr_list, *next; lgr != NULL; lgr = next) {
		next = lgr->next;
		smc_lgr_end(lgr, LLC_DEL_PROGRAM, true);
	}
}

unsigned smc_poll(struct smc_stack *ss)
{
	return smc_links_poll(ss);
}

bool smc_busy(const struct smc_stack *ss)
{
	if (ss->event_head != NULL || ss->tx_head != NULL || ss->ready_head != NULL || ss->lgr_work)
		return true;
	for (unsigned i = 0; i < ss->n_devs; i++)
		if (rd_busy(ss->devs[i].rd))
			return true;
	return false;
}

const struct smc_stats *smc_stats(struct smc_stack *ss)
{
	struct smc_stats *st = &ss->stats;

	st->conns = ss->conns.used;
	st->lgrs = ss->lgrs.used;
	st->links = ss->links.used;
	st->bufs = ss->bufs.used;
	st->mem_free = smc_mem_free_bytes(ss->mem);
	st->mem_len = smc_mem_len(ss->mem);
	return st;
}

uint32_t smc_objects(const struct smc_stack *ss)
{
	return ss->conns.used + ss->lgrs.used + ss->links.used + ss->bufs.used + ss->handshakes.used;
}

const struct smc_config *smc_conf(const struct smc_stack *ss)
{
	return &ss->conf;
}
