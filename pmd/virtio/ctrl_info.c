/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What people ask of a control queue. Nothing here takes vnic_dev.lock: a thread
 * that waits for the device may hold it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pmd/virtio/ctrl_private.h"
#include "pmd/virtio/vnic.h"

/* Guards vnic_dev.why of every device. */
static pthread_mutex_t whys = PTHREAD_MUTEX_INITIALIZER;

void vnic_why_set(struct vnic_dev *d, const char *why)
{
	pthread_mutex_lock(&whys);
	snprintf(d->why, sizeof(d->why), "%s", why);
	pthread_mutex_unlock(&whys);
}

static enum vnic_state state_of(const struct vnic_dev *d)
{
	return __atomic_load_n(&d->state, __ATOMIC_RELAXED);
}

static void tell_why(struct vnic_dev *d, struct vnic_ctrl_info *out)
{
	switch (state_of(d)) {
	case VNIC_BROKEN:
		out->broken = true;
		pthread_mutex_lock(&whys);
		snprintf(out->why, sizeof(out->why), "%s", d->why);
		pthread_mutex_unlock(&whys);
		break;
	case VNIC_LOST:
		out->broken = true;
		snprintf(out->why, sizeof(out->why), "the back end is gone, and may return");
		break;
	case VNIC_REMOVED:
		out->broken = true;
		snprintf(out->why, sizeof(out->why), "the device was removed");
		break;
	default:
		break;
	}
}

int vnic_ctrl_info(uint16_t port, struct vnic_ctrl_info *out)
{
	struct vnic_dev *d = vnic_dev_of(port);
	struct vnic_ctrl *c;

	if (d == NULL)
		return -ENOTSUP;
	if (state_of(d) == VNIC_CLOSED)
		return -ENODEV;
	memset(out, 0, sizeof(*out));
	out->timeout_ms = __atomic_load_n(&d->args.ctrl_timeout_ms, __ATOMIC_RELAXED);
	tell_why(d, out);
	c = vnic_ctrl_get(d);
	out->present = c != NULL || vnic_has(d, VIRTIO_NET_F_CTRL_VQ);
	if (c != NULL) {
		out->slots = c->n_slots;
		vnic_ctrl_stats_get(c, &out->stats);
		if (!out->broken)
			out->broken = vnic_ctrl_failed(c, out->why, sizeof(out->why));
		vnic_ctrl_put(c);
	} else {
		vnic_ctrl_past(d, &out->stats);
	}
	return 0;
}

int vnic_ctrl_timeout(uint16_t port, uint64_t ms)
{
	struct vnic_dev *d = vnic_dev_of(port);
	struct vnic_ctrl *c;

	if (d == NULL)
		return -ENOTSUP;
	if (ms == 0 || ms > VNIC_CTRL_TIMEOUT_MAX_MS)
		return -EINVAL;
	if (state_of(d) == VNIC_CLOSED)
		return -ENODEV;
	__atomic_store_n(&d->args.ctrl_timeout_ms, ms, __ATOMIC_RELAXED);
	c = vnic_ctrl_get(d);
	if (c != NULL) {
		vnic_ctrl_set_timeout(c, ms);
		vnic_ctrl_put(c);
	}
	return 0;
}

int vnic_ctrl_interrupt(uint16_t port)
{
	struct vnic_dev *d = vnic_dev_of(port);
	struct vnic_ctrl *c;

	if (d == NULL)
		return -ENOTSUP;
	c = vnic_ctrl_get(d);
	if (c != NULL) {
		vnic_ctrl_end_waits(c);
		vnic_ctrl_put(c);
	}
	return 0;
}

static const struct {
	uint8_t class, cmd;
	const char *name;
} names[] = {
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, "RX PROMISC" },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, "RX ALLMULTI" },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLUNI, "RX ALLUNI" },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOMULTI, "RX NOMULTI" },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOUNI, "RX NOUNI" },
	{ VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_NOBCAST, "RX NOBCAST" },
	{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, "MAC TABLE_SET" },
	{ VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, "MAC ADDR_SET" },
	{ VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, "VLAN ADD" },
	{ VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_DEL, "VLAN DEL" },
	{ VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, "ANNOUNCE ACK" },
	{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, "MQ VQ_PAIRS_SET" },
	{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, "MQ RSS_CONFIG" },
	{ VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_HASH_CONFIG, "MQ HASH_CONFIG" },
	{ VIRTIO_NET_CTRL_GUEST_OFFLOADS, VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET, "GUEST_OFFLOADS SET" },
	{ VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_TX_SET, "NOTF_COAL TX_SET" },
	{ VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_RX_SET, "NOTF_COAL RX_SET" },
	{ VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET, "NOTF_COAL VQ_SET" },
	{ VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET, "NOTF_COAL VQ_GET" },
	{ VIRTIO_NET_CTRL_STATS, VIRTIO_NET_CTRL_STATS_QUERY, "STATS QUERY" },
	{ VIRTIO_NET_CTRL_STATS, VIRTIO_NET_CTRL_STATS_GET, "STATS GET" },
};

const char *vnic_ctrl_name(uint8_t class, uint8_t cmd, char *buf, size_t len)
{
	for (unsigned i = 0; i < RTE_DIM(names); i++)
		if (names[i].class == class && names[i].cmd == cmd) {
			snprintf(buf, len, "%s", names[i].name);
			return buf;
		}
	snprintf(buf, len, "class %u command %u", class, cmd);
	return buf;
}
