/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports whose device has moved to another place announce their addresses again. */
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"
#include "pmd/virtio/vnic.h"

static int worker_announce(struct lcore *lc, void *arg)
{
	if (lc->net != NULL)
		net_announce(lc->net, *(uint8_t *)arg);
	return 0;
}

/* The device is told one call later: by then the first announcement is out. */
static void answer(struct pipeline *pl, struct port *p)
{
	uint32_t bit = UINT32_C(1) << p->index;

	if ((pl->announced & bit) != 0 && vnic_announce_done(p->id) != -EAGAIN) {
		pl->announced &= ~bit;
	} else if ((pl->announced & bit) == 0 && vnic_announce_asked(p->id)) {
		LOG(PIPELINE, NOTICE, "port %s: the device asks to announce its addresses", p->conf->name);
		if (pipeline_call(pl, NEIGH_OWNER, worker_announce, &p->index, sizeof(p->index)) == 0)
			pl->announced |= bit;
	}
}

void pipeline_announce(struct pipeline *pl)
{
	pipeline_lock(pl);
	for (unsigned i = 0; i < pl->n_ports; i++)
		if (pl->ports[i].seen.state == PORT_STARTED && !pl->ports[i].changing)
			answer(pl, &pl->ports[i]);
	pipeline_unlock(pl);
}
