/* SPDX-License-Identifier: BSD-3-Clause */
/* The hash of a packet and the queue it chooses (virtio 1.2, 5.1.6.4.3). */
#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_thash.h>

#include "app/vnicd/dev/nic_private.h"

void vnicd_hash_key(struct vnicd_nic *nic, const uint8_t *key, unsigned len)
{
	memset(nic->key, 0, sizeof(nic->key));
	memcpy(nic->key, key, RTE_MIN(len, sizeof(nic->key)));
	toeplitz_init(&nic->toeplitz, nic->key);
}

static uint32_t hash_v4(const struct vnicd_nic *nic, const struct vnicd_look *l, bool ports)
{
	uint32_t addr[2];
	uint16_t port[2];

	memcpy(addr, l->b + l->l3 + 12, sizeof(addr));
	if (!ports)
		return toeplitz_v4_addr(&nic->toeplitz, addr[0], addr[1]);
	memcpy(port, l->b + l->l4, sizeof(port));
	return toeplitz_v4(&nic->toeplitz, addr[0], addr[1], port[0], port[1]);
}

static uint32_t hash_v6(const struct vnicd_nic *nic, const struct vnicd_look *l, bool ports)
{
	uint32_t tuple[9], key[VNICD_KEY_LEN / 4];

	memcpy(key, nic->key, sizeof(key));
	memcpy(tuple, l->b + l->l3 + 8, 32);
	if (ports)
		memcpy(&tuple[8], l->b + l->l4, 4);
	for (unsigned i = 0; i < (ports ? 9u : 8u); i++)
		tuple[i] = rte_be_to_cpu_32(tuple[i]);
	return rte_softrss(tuple, ports ? 9 : 8, (const uint8_t *)key);
}

static uint32_t hash_of(const struct vnicd_nic *nic, const struct vnicd_look *l, bool ports)
{
	return l->v6 ? hash_v6(nic, l, ports) : hash_v4(nic, l, ports);
}

/* The report of a TCP or UDP packet. */
static uint16_t l4_report(const struct vnicd_look *l)
{
	if (l->proto == IPPROTO_TCP)
		return l->v6 ? VIRTIO_NET_HASH_REPORT_TCPv6 : VIRTIO_NET_HASH_REPORT_TCPv4;
	return l->v6 ? VIRTIO_NET_HASH_REPORT_UDPv6 : VIRTIO_NET_HASH_REPORT_UDPv4;
}

uint16_t vnicd_hash(const struct vnicd_nic *nic, const struct vnicd_look *l, uint32_t *hash)
{
	uint16_t report;

	*hash = 0;
	if (nic->hash_types == 0 || l->l3 == 0)
		return VIRTIO_NET_HASH_REPORT_NONE;
	if (l->l4 != 0) {
		report = l4_report(l);
		if ((nic->hash_types & VIRTIO_NET_HASH_TYPE(report)) != 0) {
			*hash = hash_of(nic, l, true);
			return report;
		}
	}
	report = l->v6 ? VIRTIO_NET_HASH_REPORT_IPv6 : VIRTIO_NET_HASH_REPORT_IPv4;
	if ((nic->hash_types & VIRTIO_NET_HASH_TYPE(report)) == 0)
		return VIRTIO_NET_HASH_REPORT_NONE;
	*hash = hash_of(nic, l, false);
	return report;
}

uint16_t vnicd_steer(const struct vnicd_nic *nic, const struct vnicd_look *l, uint16_t report, uint32_t hash)
{
	if (nic->rss && report == VIRTIO_NET_HASH_REPORT_NONE)
		return nic->unclassified;
	if (nic->rss)
		return nic->reta[hash & nic->reta_mask];
	if (nic->spread <= 1 || l->l3 == 0)
		return 0;
	return (uint16_t)((uint64_t)hash_of(nic, l, l->l4 != 0) * nic->spread >> 32);
}
