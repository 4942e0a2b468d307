/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flow a group has under way: something we asked the peer and its time
 * limit. One at a time; RKEY requests queue for it.
 */
#include "proto/smc/link_impl.h"

void smc_llc_init(struct smc_lgr *lgr)
{
	lgr->llc->link = lgr->links[0];
	lgr->llc->q_tail = &lgr->llc->q_head;
}

void smc_flow_begin(struct smc_link *l, uint8_t flow, void (*fn)(struct smc_timer *t), uint64_t in_us)
{
	struct smc_llc *llc = l->lgr->llc;

	llc->flow = flow;
	llc->link = l;
	smc_timer_arm(l->lgr->ss, &llc->timer, fn, in_us);
}

void smc_flow_end(struct smc_lgr *lgr)
{
	struct smc_llc *llc = lgr->llc;

	llc->flow = SMC_FLOW_NONE;
	smc_timer_cancel(&llc->timer);
	if (smc_lgr_alive(lgr))
		smc_rkey_next(lgr);
}

void smc_llc_kill(struct smc_lgr *lgr)
{
	struct smc_llc *llc = lgr->llc;

	llc->flow = SMC_FLOW_NONE;
	llc->early = false;
	smc_timer_cancel(&llc->timer);
	smc_wait_end(lgr->ss, &llc->confirm, SMC_RSN_TIMEOUT_CL);
	smc_rkey_kill(lgr);
}

const char *smc_flow_name(uint8_t flow)
{
	static const char *const names[] = {
		[SMC_FLOW_NONE] = "none", [SMC_FLOW_CONFIRM_LINK] = "confirm link", [SMC_FLOW_ADD_LINK] = "add link",
		[SMC_FLOW_CONFIRM_RKEY] = "confirm rkey", [SMC_FLOW_DELETE_RKEY] = "delete rkey",
		[SMC_FLOW_DELETE_LINK] = "delete link",
	};

	return flow < RTE_DIM(names) ? names[flow] : "unknown";
}
