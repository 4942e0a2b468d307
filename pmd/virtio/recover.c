/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtio has no word for a device that dies and comes back, vhost-user only means for
 * it. The order here: gates closed and the link down at once; then the old process's end,
 * or a bounded wait for it, for until then it may write to rings and buffers; then buffers
 * back to their pools (what was posted is lost, nothing is sent twice); then a handshake with
 * new rings, and all that the device has forgotten.
 */
#include "pmd/virtio/recover.h"

#include <errno.h>
#include <string.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/coal.h"
#include "pmd/virtio/devstats.h"
#include "pmd/virtio/ethdev_private.h"
#include "pmd/virtio/vhost.h"

#define CLEAN_POLL_MS 10
#define UNKNOWN_MS    100   /* where nobody knows the other process */
#define REFUSED_MS    1000  /* before a back end that will not do is tried again */

void vnic_recover_lost(struct vnic_dev *d)
{
	if (d->state == VNIC_LOST || d->state == VNIC_REMOVED)
		return;
	d->recover.was = d->state == VNIC_BROKEN && d->eth->data->dev_started ? VNIC_RUNNING : d->state;
	d->recover.cleaned = d->recover.refused = false;
	d->recover.lost_ms = clock_now_ms();
	d->recover.next_ms = 0;
	d->recover.backoff_ms = VNIC_RECOVER_BACKOFF_MS;
	vnic_set_state(d, VNIC_LOST);
	d->lost++;
	VNIC_LOG(NOTICE, d, "back end lost: waiting for its return");
	vnic_rings_close(d);
	vnic_coal_stop(d);
	vnic_devstats_stop(d);
	if (d->ctrl != NULL)
		vnic_ctrl_break(d->ctrl);
	vnic_config_link(d);
	vnic_link_publish(d);
}

/* May the old back end still write to our memory? *sure: it cannot. */
static bool let_go(struct vnic_dev *d, bool *sure)
{
	uint64_t since = clock_now_ms() - d->recover.lost_ms;
	int rc = d->ops->wait_gone != NULL ? d->ops->wait_gone(d, 0) : -ENOENT;

	*sure = rc == 0;
	return rc == 0 || since >= (rc == -ENOENT ? UNKNOWN_MS : VNIC_RECOVER_GONE_MS);
}

/* Buffers to their pools, rings out of the way. False: not yet. */
static bool clean(struct vnic_dev *d)
{
	bool sure;

	if (!let_go(d, &sure) || vnic_rings_close(d) != 0)
		return false;
	if (d->ctrl != NULL) {
		if (sure)
			vnic_ctrl_reset(d->ctrl);
		vnic_ctrl_destroy(d->ctrl);
	}
	if (sure && d->mem != NULL)
		vnic_mem_release(d->mem);
	vnic_rings_destroy(d, !sure);
	return true;
}

static int come_back(struct vnic_dev *d)
{
	int rc = d->ops->open(d, true);

	if (rc != 0)
		return rc;
	if (d->recover.was == VNIC_RUNNING)
		rc = vnic_device_start(d);
	else
		d->state = d->recover.was;
	/* A back end that will not do is let go, so that another one may come. */
	if (rc != 0 && d->ops == &vnic_vhost_ops)
		vnic_vhost_drop(d->transport);
	if (rc == 0) {
		d->returned++;
		VNIC_LOG(NOTICE, d, "back end returned");
	}
	return rc;
}

/* When to try again. Nobody there, or gone again: soon. One that answers and will not do: later. */
static void back_off(struct vnic_dev *d, int rc)
{
	uint32_t ms = d->recover.backoff_ms;

	d->recover.refused = rc != -ETIMEDOUT && rc != -ENODEV && rc != -EAGAIN;
	if (!d->recover.refused)
		d->recover.backoff_ms = RTE_MIN(ms * 2, (uint32_t)VNIC_RECOVER_SLOW_MS);
	d->recover.next_ms = clock_now_ms() + (d->recover.refused ? REFUSED_MS : ms);
}

int vnic_recover_step(struct vnic_dev *d)
{
	uint64_t now = clock_now_ms();
	bool knocks = d->args.server && !d->recover.refused;

	if (!d->recover.cleaned) {
		d->recover.cleaned = clean(d);
		if (!d->recover.cleaned)
			return CLEAN_POLL_MS;
	}
	/* A back end that knocks is let in at once. */
	if (now >= d->recover.next_ms || knocks) {
		int rc = come_back(d);

		if (rc == 0)
			return -1;
		back_off(d, rc);
		now = clock_now_ms();
	}
	return d->recover.next_ms > now ? (int)(d->recover.next_ms - now) : 0;
}

bool vnic_recover_deaf(const struct vnic_dev *d)
{
	return d->state == VNIC_LOST && (!d->recover.cleaned || d->recover.refused);
}
