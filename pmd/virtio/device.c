/* SPDX-License-Identifier: BSD-3-Clause */
/* Bring-up, stop and breakage of a device (virtio 1.2, 3.1). */
#include <errno.h>

#include "pmd/virtio/coal.h"
#include "pmd/virtio/devstats.h"
#include "pmd/virtio/ethdev_private.h"

#define STATUS_DRIVER (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER)

/* ---- up --------------------------------------------------------------------------------- */

/* What was promised to the program has to be there again. */
static int check_offer(struct vnic_dev *d, const struct vnic_features *offered)
{
	struct vnic_features missing = { { d->negotiated.word[0] & ~offered->word[0],
					   d->negotiated.word[1] & ~offered->word[1] } };
	char names[256];

	if (missing.word[0] == 0 && missing.word[1] == 0)
		return 0;
	VNIC_LOG(ERR, d, "the device no longer offers %s", vnic_feature_names(&missing, names, sizeof(names)));
	return -ENOTSUP;
}

/* 3.1.1, steps 1 to 6. */
static int negotiate(struct vnic_dev *d)
{
	struct vnic_features offered;
	int rc = d->ops->set_status(d, VIRTIO_STATUS_RESET);

	if (rc < 0)
		return rc;
	/* Nothing of the device's is in use: what it still had before is ours again. */
	if (d->mem != NULL)
		vnic_mem_release(d->mem);
	vnic_rings_destroy(d, false);
	rc = d->ops->set_status(d, VIRTIO_STATUS_ACKNOWLEDGE);
	if (rc == 0)
		rc = d->ops->set_status(d, STATUS_DRIVER);
	if (rc == 0)
		rc = d->ops->get_features(d, &offered);
	if (rc == 0)
		rc = check_offer(d, &offered);
	if (rc < 0)
		return rc;
	d->offered = offered;
	return d->ops->set_features(d, &d->negotiated);
}

static int load_config(struct vnic_dev *d)
{
	int rc = vnic_config_load(d);

	if (rc < 0)
		return rc;
	if (d->limits.max_pairs < d->pairs) {
		VNIC_LOG(ERR, d, "the device has %u pairs of queues, %u are asked for", d->limits.max_pairs,
			 d->pairs);
		return -EINVAL;
	}
	return 0;
}

/* 3.1.1, steps 7 and 8, and what the device forgets by a reset. */
static int bring_up(struct vnic_dev *d)
{
	int rc = negotiate(d);

	if (rc == 0)
		rc = load_config(d);
	if (rc == 0)
		rc = vnic_rings_create(d);
	if (rc == 0)
		rc = vnic_rings_setup(d);
	if (rc == 0)
		rc = vnic_rings_ctrl(d);
	if (rc == 0)
		rc = d->ops->set_status(d, STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
	if (rc == 0)
		rc = vnic_device_restore(d);
	if (rc == 0)
		rc = vnic_devstats_start(d);
	if (rc == 0)
		rc = vnic_rings_fill(d);
	return rc;
}

/*
 * The device lets go of everything: 0. -ENODEV: it is gone, and perhaps somebody still
 * writes to rings whose memory he has mapped; -ETIMEDOUT: it is there and does not stop,
 * so that neither rings nor buffers may be used for anything else.
 */
static int let_go(struct vnic_dev *d)
{
	int rc = d->ops->set_status(d, VIRTIO_STATUS_RESET);

	if (rc == 0 || (d->ops->wait_gone != NULL && d->ops->wait_gone(d, d->args.reply_ms) == 0))
		return 0;
	return rc == -ETIMEDOUT && (d->transport_flags & VNIC_TRANSPORT_VA) == 0 ? rc : -ENODEV;
}

static int tear_down(struct vnic_dev *d)
{
	int rc;

	vnic_coal_stop(d);
	vnic_devstats_stop(d);
	rc = let_go(d);
	if (d->ctrl != NULL && rc == 0)
		vnic_ctrl_reset(d->ctrl);
	vnic_ctrl_destroy(d->ctrl);
	if (rc == -ETIMEDOUT) {
		VNIC_LOG(ERR, d, "the device does not stop: its rings and buffers stay as they are");
		vnic_why_set(d, "the device does not stop");
		vnic_set_state(d, VNIC_BROKEN);
		return rc;
	}
	if (rc == 0 && d->mem != NULL)
		vnic_mem_release(d->mem);
	vnic_rings_destroy(d, rc != 0);
	return 0;
}

int vnic_device_start(struct vnic_dev *d)
{
	int rc = vnic_rings_close(d);

	if (rc < 0)
		return rc;
	__atomic_store_n(&d->starting, true, __ATOMIC_RELAXED);
	rc = bring_up(d);
	__atomic_store_n(&d->starting, false, __ATOMIC_RELAXED);
	if (rc < 0) {
		VNIC_LOG(ERR, d, "the device does not start: %s", strerror(-rc));
		tear_down(d);
		d->ops->set_status(d, STATUS_DRIVER | VIRTIO_STATUS_FAILED);
		if (d->state == VNIC_RUNNING)
			vnic_set_state(d, VNIC_STOPPED);
		return rc;
	}
	d->resets++;
	vnic_set_state(d, VNIC_RUNNING);
	vnic_rings_open(d);
	vnic_config_link(d);
	vnic_link_publish(d);
	vnic_coal_started(d);
	return 0;
}

/* ---- down ------------------------------------------------------------------------------- */

int vnic_device_stop(struct vnic_dev *d)
{
	int rc = vnic_rings_close(d);

	if (rc < 0) {
		VNIC_LOG(ERR, d, "an lcore does not leave its burst: stop it before the port");
		return rc;
	}
	tear_down(d);
	if (d->state == VNIC_RUNNING)
		vnic_set_state(d, VNIC_STOPPED);
	if (d->state == VNIC_LOST)
		d->recover.was = VNIC_STOPPED; /* a back end that returns finds it so */
	vnic_config_link(d);
	vnic_link_publish(d);
	return rc;
}

static void stop_everything(struct vnic_dev *d)
{
	vnic_rings_close(d);
	vnic_coal_stop(d);
	vnic_devstats_stop(d);
	if (d->ctrl != NULL)
		vnic_ctrl_break(d->ctrl);
	vnic_config_link(d);
	vnic_link_publish(d);
}

void vnic_device_break(struct vnic_dev *d, const char *why)
{
	if (d->state == VNIC_BROKEN || d->state == VNIC_REMOVED)
		return;
	VNIC_LOG(ERR, d, "broken until it is reset: %s", why);
	vnic_why_set(d, why);
	vnic_set_state(d, VNIC_BROKEN);
	d->broken++;
	stop_everything(d);
	rte_eth_dev_callback_process(d->eth, RTE_ETH_EVENT_INTR_RESET, NULL);
}

void vnic_device_ctrl_broken(struct vnic_dev *d, const char *why)
{
	if (!d->args.ctrl_go_on) {
		vnic_device_break(d, why);
		return;
	}
	VNIC_LOG(ERR, d, "no more control commands until it is reset, packets go on: %s", why);
	vnic_coal_stop(d);
	vnic_devstats_stop(d);
	d->broken++;
	rte_eth_dev_callback_process(d->eth, RTE_ETH_EVENT_INTR_RESET, NULL);
}

void vnic_device_removed(struct vnic_dev *d)
{
	if (d->state == VNIC_REMOVED)
		return;
	VNIC_LOG(ERR, d, "the device has been removed");
	vnic_set_state(d, VNIC_REMOVED);
	stop_everything(d);
	rte_eth_dev_callback_process(d->eth, RTE_ETH_EVENT_INTR_RMV, NULL);
}

/* ---- the link ----------------------------------------------------------------------------- */

void vnic_link_publish(struct vnic_dev *d)
{
	struct rte_eth_link link = {
		.link_speed = d->link_up ? d->speed : RTE_ETH_SPEED_NUM_NONE,
		.link_duplex = d->duplex == RTE_ETH_LINK_HALF_DUPLEX ? RTE_ETH_LINK_HALF_DUPLEX :
								       RTE_ETH_LINK_FULL_DUPLEX,
		.link_autoneg = RTE_ETH_LINK_FIXED,
		.link_status = d->link_up ? RTE_ETH_LINK_UP : RTE_ETH_LINK_DOWN,
	};

	if (rte_eth_linkstatus_set(d->eth, &link) != 0)
		return;
	rte_eth_dev_callback_process(d->eth, RTE_ETH_EVENT_INTR_LSC, NULL);
}
