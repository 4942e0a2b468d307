/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/rdma/rd.h"

#include <stddef.h>

/* What rxe takes off the port's MTU for all headers (rxe_mtu_int_to_enum()). */
#define RXE_HEADERS 80

uint8_t rd_mtu_code(uint32_t ip_mtu)
{
	for (uint8_t code = 5; code >= 1; code--)
		if (ip_mtu >= rd_mtu_octets(code) + RXE_HEADERS)
			return code;
	return 0;
}

const char *rd_status_name(unsigned status)
{
	static const char *const names[] = {
		[RD_WC_SUCCESS] = "success", [RD_WC_LOC_LEN_ERR] = "local length error",
		[RD_WC_LOC_QP_OP_ERR] = "local QP operation error", [RD_WC_LOC_PROT_ERR] = "local protection error",
		[RD_WC_WR_FLUSH_ERR] = "flushed", [RD_WC_BAD_RESP_ERR] = "bad response",
		[RD_WC_REM_INV_REQ_ERR] = "remote invalid request", [RD_WC_REM_ACCESS_ERR] = "remote access error",
		[RD_WC_REM_OP_ERR] = "remote operation error", [RD_WC_RETRY_EXC_ERR] = "transport retry count exceeded",
		[RD_WC_RNR_RETRY_EXC_ERR] = "RNR retry count exceeded", [RD_WC_FATAL_ERR] = "fatal error",
	};

	if (status >= RTE_DIM(names) || names[status] == NULL)
		return "unknown";
	return names[status];
}

void rd_submit(struct rd_dev *dev, struct rd_req *req) { dev->ops->submit(dev, req); }
uint32_t rd_qp_num(const struct rd_qp *qp) { return qp->qpn; }
uint32_t rd_mr_rkey(const struct rd_mr *mr) { return mr->rkey; }
uint64_t rd_mr_addr(const struct rd_mr *mr) { return mr->addr; }
unsigned rd_send_room(const struct rd_qp *qp) { return qp->dev->ops->send_room(qp); }
void rd_query(const struct rd_dev *dev, struct rd_info *out) { dev->ops->query(dev, out); }
void rd_counters(const struct rd_dev *dev, struct rd_counters *out) { dev->ops->counters(dev, out); }
void rd_qp_query(const struct rd_qp *qp, struct rd_qp_info *out) { qp->dev->ops->qp_query(qp, out); }
bool rd_busy(const struct rd_dev *dev) { return dev->ops->busy(dev); }

void rd_close(struct rd_dev *dev)
{
	if (dev != NULL)
		dev->ops->close(dev);
}
