/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device forgets by a reset and the driver's shadow remembers: a list of commands, one for each part
 * of the shadow and each VLAN, all on their way together. Those that have an order keep it (ctrl.h).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmd/virtio/coal.h"
#include "pmd/virtio/ethdev_private.h"

#define VLANS     4096
#define TELL_MAX  16  /* refused entries that have a line each */

/* An entry of the list: a VLAN, or from VLANS on one of these. */
enum entry { RSS = VLANS, HASH, PAIRS, MAC, MACS, PROMISC, ALLMULTI, OFFLOADS, ENTRIES };

struct list {
	struct vnic_dev *d;
	struct vnic_cmd cmd;
	bool on;                         /* VLANs: let through */
	struct vnic_ctrl_many many;      /* n: of entry */
	uint16_t entry[ENTRIES];
	struct vnic_ctrl_one one[ENTRIES];
};

static const char *entry_name(uint16_t entry, char *buf, size_t len)
{
	static const char *const names[] = {
		[RSS - VLANS] = "the RSS configuration", [HASH - VLANS] = "the hash configuration",
		[PAIRS - VLANS] = "the number of queues", [MAC - VLANS] = "the MAC address",
		[MACS - VLANS] = "the table of MAC addresses", [PROMISC - VLANS] = "promiscuous mode",
		[ALLMULTI - VLANS] = "all-multicast mode", [OFFLOADS - VLANS] = "the receive offloads",
	};

	if (entry >= VLANS)
		return names[entry - VLANS];
	snprintf(buf, len, "VLAN %u", entry);
	return buf;
}

static void make(void *arg, unsigned i, struct vnic_ctrl_request *req)
{
	struct list *l = arg;
	struct vnic_dev *d = l->d;
	struct vnic_cmd *m = &l->cmd;

	switch (l->entry[i]) {
	case RSS: vnic_make_rss(m, d); break;
	case HASH: vnic_make_hash(m, d); break;
	case PAIRS: vnic_make_pairs(m, d); break;
	case MAC: vnic_make_mac(m, &d->mac); break;
	case MACS: vnic_make_mac_table(m, d); break;
	case PROMISC: vnic_make_rx_mode(m, VIRTIO_NET_CTRL_RX_PROMISC, d->promisc); break;
	case ALLMULTI: vnic_make_rx_mode(m, VIRTIO_NET_CTRL_RX_ALLMULTI, d->allmulti); break;
	case OFFLOADS: vnic_make_offloads(m, vnic_guest_offloads(d)); break;
	default: vnic_make_vlan(m, l->entry[i], l->on); break;
	}
	*req = m->req;
}

static struct list *list_new(struct vnic_dev *d)
{
	struct list *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->d = d;
	l->on = true;
	l->many = (struct vnic_ctrl_many){ .make = make, .arg = l, .one = l->one };
	return l;
}

static void add(struct list *l, uint16_t entry)
{
	l->entry[l->many.n++] = entry;
}

/* What a device refuses is named, entry by entry; of what ends all of them alike one line is enough. */
static void tell(const struct list *l)
{
	unsigned told = 0, refused = 0;
	bool ended = false;
	char buf[16];

	for (unsigned i = 0; i < l->many.n; i++) {
		int rc = l->one[i].rc;
		bool line = rc == -EREMOTEIO ? refused++ < TELL_MAX : rc < 0 && !ended;

		ended |= rc < 0 && rc != -EREMOTEIO;
		if (line)
			VNIC_LOG(ERR, l->d, "the device does not take %s: %s", entry_name(l->entry[i], buf, sizeof(buf)),
				 rc == -EREMOTEIO ? "refused" : strerror(-rc));
		told += line && rc == -EREMOTEIO;
	}
	if (refused > told)
		VNIC_LOG(ERR, l->d, "... and %u more of %u", refused - told, l->many.n);
}

static int run(struct list *l)
{
	int rc;

	l->many.timeout_ms = vnic_starting(l->d) ? vnic_start_ms(l->d) : 0;
	rc = l->many.n != 0 ? vnic_ctrl_ask_many(l->d, &l->many) : 0;
	if (rc < 0)
		tell(l);
	return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void list_steering(struct list *l)
{
	const struct vnic_dev *d = l->d;

	if (vnic_spreads(d)) {
		add(l, RSS);
		return;
	}
	if (vnic_has(d, VIRTIO_NET_F_HASH_REPORT))
		add(l, HASH);
	if (vnic_has(d, VIRTIO_NET_F_MQ))
		add(l, PAIRS);
}

static void list_filters(struct list *l)
{
	const struct vnic_dev *d = l->d;

	if (vnic_has(d, VIRTIO_NET_F_CTRL_MAC_ADDR) && memcmp(&d->mac, &d->limits.mac, sizeof(d->mac)) != 0)
		add(l, MAC);
	if (!vnic_has(d, VIRTIO_NET_F_CTRL_RX))
		return;
	if (d->n_macs > 1 || d->n_mcast > 0)
		add(l, MACS);
	/* Devices begin promiscuous (QEMU's does): say it either way. */
	add(l, PROMISC);
	add(l, ALLMULTI);
}

/* Those whose bit is the same as set. */
static void list_vlans(struct list *l, bool set)
{
	const struct vnic_dev *d = l->d;

	if (!vnic_has(d, VIRTIO_NET_F_CTRL_VLAN))
		return;
	for (uint16_t vlan = 0; vlan < VLANS; vlan++)
		if ((d->vlan[vlan / 64] >> (vlan % 64) & 1) == set)
			add(l, vlan);
}

int vnic_device_restore(struct vnic_dev *d)
{
	struct list *l;
	int rc;

	if (d->ctrl == NULL)
		return 0;
	l = list_new(d);
	if (l == NULL)
		return -ENOMEM;
	list_steering(l);
	list_filters(l);
	list_vlans(l, true);
	/* The device begins with everything that was negotiated. */
	if (d->guest_off != 0 && vnic_has(d, VIRTIO_NET_F_CTRL_GUEST_OFFLOADS))
		add(l, OFFLOADS);
	rc = run(l);
	free(l);
	if (rc == 0)
		vnic_coal_restore(d);
	return rc;
}

int vnic_cmd_other_vlans(struct vnic_dev *d, bool on)
{
	struct list *l = list_new(d);
	int rc;

	if (l == NULL)
		return -ENOMEM;
	l->on = on;
	list_vlans(l, false);
	rc = run(l);
	free(l);
	return rc;
}
