/* SPDX-License-Identifier: BSD-3-Clause */
/* What a vhost-user port does wrong on purpose, but for packets. */
#include <errno.h>

#include "app/vnicd/loop.h"
#include "app/vnicd/switch.h"
#include "app/vnicd/vport.h"

static int
lie(struct vnicd_vport *v, enum vnicd_ring_lie kind, uint64_t count, unsigned queue)
{
	if (queue >= vnicd_nic_queues(&v->nic) || count > UINT32_MAX)
		return -EINVAL;
	return vnicd_ring_lie(&v->nic.queue[queue].ring, kind, (uint32_t)count);
}

static int
announce(struct vnicd_vport *v)
{
	vnicd_nic_announce(&v->nic);
	if (!v->nic.announce)
		return -ENOTSUP; /* the driver did not agree on it */
	vnicd_backend_config_changed(v->backend);
	return 0;
}

int
vnicd_vport_misbehave(struct vnicd_port *p, enum vnicd_fault_kind kind, uint64_t value, unsigned queue)
{
	struct vnicd_vport *v = (struct vnicd_vport *)p;

	if (kind >= VNICD_FAULT_LIE)
		return lie(v, (enum vnicd_ring_lie)(VNICD_LIE_NONE + 1 + (kind - VNICD_FAULT_LIE)), value, queue);
	if (kind >= VNICD_FAULT_RESET)
		return vnicd_backend_fault(v->backend, (enum vnicd_backend_fault)(kind - VNICD_FAULT_RESET), value);
	if (kind >= VNICD_FAULT_CTRL)
		return vnicd_ctrl_faults_set(vnicd_ctrl_work_faults(v->work),
					     (enum vnicd_ctrl_fault)(kind - VNICD_FAULT_CTRL), value);
	switch (kind) {
	case VNICD_FAULT_LINK:
		if (value > 1)
			return -EINVAL;
		vnicd_nic_set_link(&v->nic, value != 0);
		vnicd_backend_config_changed(v->backend);
		return 0;
	case VNICD_FAULT_DISCONNECT:
		vnicd_backend_disconnect(v->backend);
		/* A client has to be called to come back. */
		vnicd_loop_at(p->sw->loop, p->sw->now);
		return 0;
	case VNICD_FAULT_ANNOUNCE:
		return announce(v);
	default:
		return -EINVAL;
	}
}
_Static_assert(VNICD_FAULT_RESET - VNICD_FAULT_CTRL == VNICD_CTRL_FAULT_KINDS, "one for each of commands");
_Static_assert(VNICD_FAULT_CTRL_ONLY - VNICD_FAULT_CTRL == VNICD_CTRL_ONLY, "in their order");
_Static_assert(VNICD_FAULT_LIE - VNICD_FAULT_RESET == VNICD_BACKEND_FAULT_KINDS, "one for each of requests");
_Static_assert(VNICD_FAULT_KINDS - VNICD_FAULT_LIE == VNICD_LIE_COUNT - 1, "a kind for each lie");
_Static_assert(VNICD_FAULT_LIE_ORDER - VNICD_FAULT_LIE == VNICD_LIE_ORDER - 1, "in their order");

void
vnicd_vport_behave(struct vnicd_port *p)
{
	struct vnicd_vport *v = (struct vnicd_vport *)p;

	vnicd_ctrl_faults_clear(vnicd_ctrl_work_faults(v->work));
	vnicd_backend_behave(v->backend);
}
