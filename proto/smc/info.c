/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking at connections: what smcss shows, and more. */
#include <string.h>

#include "proto/smc/conn_impl.h"

const char *smc_state_name(unsigned state)
{
	static const char *const names[] = {
		[SMC_ACTIVE] = "ACTIVE", [SMC_INIT] = "INIT", [SMC_CLOSED] = "CLOSED",
		[SMC_LISTEN] = "LISTEN",
		[SMC_PEERCLOSEWAIT1] = "PEERCLOSEWAIT1", [SMC_PEERCLOSEWAIT2] = "PEERCLOSEWAIT2",
		[SMC_APPCLOSEWAIT1] = "APPCLOSEWAIT1", [SMC_APPCLOSEWAIT2] = "APPCLOSEWAIT2",
		/* as smc-tools spells it */
		[SMC_APPFINCLOSEWAIT] = "APPFINCLOSEWAIT1", [SMC_PEERFINCLOSEWAIT] = "PEERFINCLOSEWAIT",
		[SMC_PEERABORTWAIT] = "PEERABORTWAIT", [SMC_PROCESSABORT] = "PROCESSABORT",
	};

	return state < RTE_DIM(names) && names[state] != NULL ? names[state] : "UNKNOWN";
}

static struct smc_cursor_info cursor(struct smc_cursor c)
{
	return (struct smc_cursor_info){ .wrap = c.wrap, .count = c.count };
}

static void cursors(const struct smc_conn *c, struct smc_conn_info *info)
{
	info->rxprod = cursor(c->peer_prod);
	info->rxcons = cursor(c->peer_cons);
	info->txprod = cursor(c->prod);
	info->txcons = cursor(c->cons_told);
	info->rx_prod_flags = c->rx_prod_flags;
	info->rx_conn_flags = c->rx_conn_flags;
	info->tx_prod_flags = c->tx_prod_flags;
	info->tx_conn_flags = c->tx_conn_flags;
	info->txprep = cursor(c->prep);
	info->txsent = cursor(c->sent);
	info->txfin = cursor(c->fin);
	info->seq_in = c->seq_in;
	info->seq_out = c->seq_out;
}

static void place(const struct smc_conn *c, struct smc_conn_info *info)
{
	struct rd_info rd;

	if (c->lgr != NULL)
		info->lgr_id = c->lgr->id;
	if (c->link == NULL)
		return;
	info->link_id = c->link->id;
	info->gid = c->link->gid;
	info->peer_gid = c->link->peer.gid;
	if (c->link->dev == NULL)
		return;
	rd_query(c->link->dev->rd, &rd);
	memcpy(info->dev, rd.name, RTE_MIN(sizeof(info->dev), sizeof(rd.name)));
	info->dev[sizeof(info->dev) - 1] = '\0';
}

void smc_get_info(const struct smc_conn *c, struct smc_conn_info *info)
{
	uint64_t now = smc_now(c->ss);
	unsigned i;

	*info = (struct smc_conn_info){
		.flow = c->flow, .id = pool_index(&c->ss->conns, c), .state = c->state, .role = c->role,
		.step = c->hs != NULL ? smc_hs_step(c->hs) : "",
		.shut_read = c->rx_conn_flags != 0, .shut_write = c->shut_write || c->closed,
		.error = c->error, .token = c->token, .peer_token = c->peer_token,
		.sndbuf = c->snd != NULL ? c->snd->size : 0, .rcvbuf = c->rmb != NULL ? c->rmb->size : 0,
		.peerbuf = c->peer_size, .readable = smc_ring_used(c), .unsent = smc_unsent(c),
		.room = c->peer_size != 0 ? smc_peer_room(c) : 0, .update_limit = c->update_limit,
		.in_flight = c->refs[SMC_REF_WR],
		.bytes_in = c->bytes_in, .bytes_out = c->bytes_out, .cdc_in = c->cdc_in,
		.cdc_out = c->cdc_out,
		.writes = c->writes, .updates_out = c->updates_out,
		.age_us = now - c->created_us, .idle_us = now - c->last_us,
	};
	for (i = 0; i < SMC_REFS; i++)
		info->refs += c->refs[i];
	cursors(c, info);
	place(c, info);
}

unsigned smc_conn_list(struct smc_stack *ss, uint64_t *cursor_at, struct smc_conn_info *out, unsigned max)
{
	uint32_t i = (uint32_t)RTE_MIN(*cursor_at, (uint64_t)UINT32_MAX - 1) + 1;
	unsigned n = 0;

	for (; n < max && i <= ss->conns.high; i++)
		if (ss->conn_table->slots[i].live)
			smc_get_info(pool_at(&ss->conns, i), &out[n++]);
	*cursor_at = i - 1;
	return n;
}
