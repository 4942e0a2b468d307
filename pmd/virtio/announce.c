/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device asks its driver to be heard on the network (virtio 1.2, 5.1.6.5.4): after its
 * move to another place switches look for it at the old one. Only the program
 * knows what to say; the driver passes the question on, and the answer back.
 */
#include <errno.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/vnic.h"

int vnic_announce_offer(uint16_t port)
{
	struct vnic_dev *d = vnic_dev_of(port);

	if (d == NULL)
		return -ENOTSUP;
	pthread_mutex_lock(&d->lock);
	d->args.announce = true;
	pthread_mutex_unlock(&d->lock);
	return 0;
}

bool vnic_announce_asked(uint16_t port)
{
	struct vnic_dev *d = vnic_dev_of(port);

	return d != NULL && __atomic_load_n(&d->announce_asked, __ATOMIC_RELAXED);
}

int vnic_announce_done(uint16_t port)
{
	const struct vnic_ctrl_request req = {
		.class = VIRTIO_NET_CTRL_ANNOUNCE, .cmd = VIRTIO_NET_CTRL_ANNOUNCE_ACK, .group = VNIC_CTRL_ANNOUNCE,
	};
	struct vnic_dev *d = vnic_dev_of(port);
	struct vnic_ctrl *c = d != NULL ? vnic_ctrl_get(d) : NULL;
	int rc;

	if (c == NULL)
		return -ENOTSUP;
	/* The device takes its question back with the next change of its configuration. */
	__atomic_store_n(&d->announce_asked, false, __ATOMIC_RELAXED);
	rc = vnic_ctrl_submit(c, &req, NULL);
	if (rc == 0)
		vnic_ctrl_flush(c);
	vnic_ctrl_put(c);
	return rc;
}
