/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * LLC messages of a link: from the peer to who handles them, and to the peer.
 * A request of the peer is answered before this returns, so none waits for
 * another; what we asked for is a flow (llc_flow.c).
 */
#include <errno.h>
#include <string.h>

#include "proto/smc/link_impl.h"

void smc_llc_new(const struct smc_link *l, uint8_t type, struct llc_msg *msg)
{
	memset(msg, 0, sizeof(*msg));
	msg->type = type;
	msg->v2 = l->lgr->terms.version >= 2;
}

int smc_llc_send(struct smc_link *l, const struct llc_msg *msg)
{
	struct smc_stack *ss = l->lgr->ss;
	uint8_t buf[RD_INLINE_MAX];
	int len = llc_encode(msg, buf, sizeof(buf));
	int rc = len < 0 ? len : smc_wr_llc(l, buf, (unsigned)len);

	if (rc != 0) {
		ss->stats.llc_dropped++;
		return rc;
	}
	ss->stats.llc_out++;
	l->llc_out++;
	return 0;
}

static void test_link(struct smc_link *l, const struct llc_msg *msg)
{
	struct llc_msg rsp;

	if (!msg->resp) {
		llc_respond(msg, &rsp);
		smc_llc_send(l, &rsp);
	} else if (l->priv->testing) {
		smc_link_tested(l);
	} else {
		l->lgr->ss->stats.llc_unexpected++;
	}
}

/* Only of a second link, and we take none. */
static void add_link_cont(struct smc_link *l, const struct llc_msg *msg)
{
	l->lgr->ss->stats.llc_unexpected++;
}

static void (*const handlers[])(struct smc_link *l, const struct llc_msg *msg) = {
	[LLC_CONFIRM_LINK] = smc_llc_confirm_link,
	[LLC_ADD_LINK] = smc_llc_add_link,
	[LLC_ADD_LINK_CONT] = add_link_cont,
	[LLC_DELETE_LINK] = smc_llc_delete_link,
	[LLC_REQ_ADD_LINK] = smc_llc_req_add_link,
	[LLC_CONFIRM_RKEY] = smc_llc_peer_confirm_rkey,
	[LLC_TEST_LINK] = test_link,
	[LLC_DELETE_RKEY] = smc_llc_peer_delete_rkey,
};

void smc_llc_input(struct smc_link *l, const uint8_t *buf, uint32_t len)
{
	struct smc_stack *ss = l->lgr->ss;
	struct llc_msg msg;
	int rc = len == 0 ? -EPROTO : llc_decode(buf, len, &msg);

	ss->stats.llc_in++;
	l->llc_in++;
	if (rc == -ENOTSUP) {
		ss->stats.llc_unknown++;
		return;
	}
	if (rc != 0) {
		ss->stats.llc_short++;
		return;
	}
	if (msg.type >= RTE_DIM(handlers) || handlers[msg.type] == NULL) {
		ss->stats.llc_unknown++;
		return;
	}
	handlers[msg.type](l, &msg);
}
