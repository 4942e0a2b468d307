/* SPDX-License-Identifier: BSD-3-Clause */
/* --vdev=net_vnicN,path=SOCKET: a port on a vhost-user back end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bus_vdev_driver.h>
#include <ethdev_vdev.h>
#include <rte_string_fns.h>

#include "pmd/virtio/dev.h"
#include "pmd/virtio/devargs.h"

static int read_args(struct vnic_dev *d, struct rte_vdev_device *vdev)
{
	char why[512];
	int rc = vnic_args_parse(&d->args, rte_vdev_device_args(vdev), why, sizeof(why));

	if (rc == 0 && d->args.path[0] == '\0') {
		VNIC_LOG(ERR, d, "path= says where the vhost-user socket is, and is missing");
		return -EINVAL;
	}
	if (rc < 0)
		VNIC_LOG(ERR, d, "%s", why);
	return rc;
}

static int vnic_vdev_probe(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *eth;
	struct vnic_dev *d;
	int rc;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		rte_log(RTE_LOG_ERR, vnic_logtype, "VNIC: %s: only a primary process can drive the device\n",
			rte_vdev_device_name(vdev));
		return -ENOTSUP;
	}
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return -ENOMEM;
	rte_strscpy(d->name, rte_vdev_device_name(vdev), sizeof(d->name));
	d->ops = &vnic_vhost_ops;
	rc = read_args(d, vdev);
	if (rc < 0)
		goto dev;
	eth = rte_eth_vdev_allocate(vdev, sizeof(struct vnic_dev *));
	if (eth == NULL) {
		rc = -ENOMEM;
		goto dev;
	}
	rc = vnic_ethdev_create(eth, d);
	if (rc < 0)
		goto port;
	rte_eth_dev_probing_finish(eth);
	return 0;
port:
	rte_eth_dev_release_port(eth);
dev:
	free(d);
	return rc;
}

static int vnic_vdev_remove(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *eth = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	return eth == NULL ? 0 : rte_eth_dev_close(eth->data->port_id);
}

static struct rte_vdev_driver vnic_vdev = {
	.probe = vnic_vdev_probe,
	.remove = vnic_vdev_remove,
};

RTE_PMD_REGISTER_VDEV(net_vnic, vnic_vdev);
RTE_PMD_REGISTER_PARAM_STRING(net_vnic,
	"path=<socket> server=0|1 queues=<n> queue_size=<n> packed=0|1 in_order=0|1 mrg_rxbuf=0|1 indirect=0|1 "
	"event_idx=0|1 vectorized=0|1 csum=0|1 tso=0|1 guest_tso=0|1 ctrl=0|1 mac=<address> mtu=<n> speed=<Mbit/s> "
	"connect_ms=<n> reply_ms=<n> stats_ms=<n> ctrl_timeout_ms=<n> ctrl_start_ms=<n> ctrl_broken=stop|go_on");
