// SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0
/*
 * smc_rxe: makes the SMC-R of Linux 6.1 work over Soft-RoCE (rdma_rxe), as that of 6.12
 * does by itself. Two operations of the rxe devices are wrapped:
 *
 * query_qp. SMC sends on a link only while cur_qp_state, as queried, is RTS; rxe does not
 * keep that field, so nothing is ever sent.
 *
 * req_notify_cq. SMC asks for notification with both bits, "solicited" and "next"; rxe
 * compares with either for equality, so SMC is never told of a completion.
 *
 * There is no way to unload it: SMC still needs the wrapped operations while it drains the
 * queues of a device that goes away.
 */
#include <linux/module.h>
#include <rdma/ib_user_ioctl_verbs.h>
#include <rdma/ib_verbs.h>

/* The same for all rxe devices. */
static int (*rxe_query_qp)(struct ib_qp *qp, struct ib_qp_attr *attr, int mask, struct ib_qp_init_attr *init);
static int (*rxe_req_notify_cq)(struct ib_cq *cq, enum ib_cq_notify_flags flags);

static int query_qp(struct ib_qp *qp, struct ib_qp_attr *attr, int mask, struct ib_qp_init_attr *init)
{
	int rc = rxe_query_qp(qp, attr, mask, init);

	if (rc == 0)
		attr->cur_qp_state = attr->qp_state;
	return rc;
}

static int req_notify_cq(struct ib_cq *cq, enum ib_cq_notify_flags flags)
{
	if ((flags & IB_CQ_SOLICITED_MASK) == IB_CQ_SOLICITED_MASK)
		flags &= ~IB_CQ_SOLICITED;
	return rxe_req_notify_cq(cq, flags);
}

static int device_added(struct ib_device *device)
{
	if (device->ops.driver_id != RDMA_DRIVER_RXE)
		return -EOPNOTSUPP;
	rxe_query_qp = device->ops.query_qp;
	rxe_req_notify_cq = device->ops.req_notify_cq;
	device->ops.query_qp = query_qp;
	device->ops.req_notify_cq = req_notify_cq;
	return 0;
}

static void device_removed(struct ib_device *device, void *data)
{
}

static struct ib_client client = { .name = "smc_rxe", .add = device_added, .remove = device_removed };

static int __init smc_rxe_init(void)
{
	return ib_register_client(&client);
}
module_init(smc_rxe_init);

MODULE_LICENSE("Dual BSD/GPL");
MODULE_DESCRIPTION("SMC-R of Linux 6.1 over Soft-RoCE, for tests");
MODULE_SOFTDEP("pre: smc rdma_rxe");
