/* SPDX-License-Identifier: BSD-3-Clause */
/* How many packets a queue pair may have unacknowledged: a window per round
 * trip more while nothing is lost, half of it when something is. */
#include "pmd/rdma/roce_private.h"

#define WINDOW_START 32
#define WINDOW_MIN 4
#define CNP_INTERVAL_US 50

void window_start(struct roce_qp *qp)
{
	qp->cwnd = RTE_MIN(roce_of(qp)->window, WINDOW_START);
}

void window_acked(struct roce_qp *qp, uint32_t n)
{
	qp->cwnd_acked = (uint16_t)(qp->cwnd_acked + n);
	if (qp->cwnd_acked < qp->cwnd)
		return;
	qp->cwnd_acked = 0;
	if (qp->cwnd < roce_of(qp)->window)
		qp->cwnd++;
}

static void cut(struct roce_qp *qp, uint16_t to)
{
	uint16_t floor = RTE_MIN(roce_of(qp)->window, WINDOW_MIN);

	qp->cwnd = RTE_MAX(to, floor);
	qp->cwnd_acked = 0;
}

void window_lost(struct roce_qp *qp, uint64_t now_us)
{
	if (qp->cut_us != 0 && now_us - qp->cut_us < qp->srtt_us)
		return;
	qp->cut_us = now_us;
	cut(qp, qp->cwnd / 2);
}

void window_cnp(struct roce_qp *qp, uint64_t now_us)
{
	if (qp->cnp_us != 0 && now_us - qp->cnp_us < CNP_INTERVAL_US)
		return;
	qp->cnp_us = now_us;
	cut(qp, (uint16_t)(qp->cwnd * 3 / 4));
}
