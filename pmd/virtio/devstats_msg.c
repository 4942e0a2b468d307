/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/virtio/devstats_msg.h"

#include <string.h>

#include <rte_common.h>

/* Names are those of the fields in Linux's header, less the direction. */
const struct devstats_type devstats_types[DEVSTATS_TYPES] = {
	{ VIRTIO_NET_STATS_TYPE_RX_BASIC, DEVSTATS_RX, 0, 6,
	  { "notifications", "packets", "bytes", "interrupts", "drops", "drop_overruns" } },
	{ VIRTIO_NET_STATS_TYPE_RX_CSUM, DEVSTATS_RX, 1, 4,
	  { "csum_valid", "needs_csum", "csum_none", "csum_bad" } },
	{ VIRTIO_NET_STATS_TYPE_RX_GSO, DEVSTATS_RX, 2, 4,
	  { "gso_packets", "gso_bytes", "gso_packets_coalesced", "gso_bytes_coalesced" } },
	{ VIRTIO_NET_STATS_TYPE_RX_SPEED, DEVSTATS_RX, 3, 2, { "ratelimit_packets", "ratelimit_bytes" } },
	{ VIRTIO_NET_STATS_TYPE_TX_BASIC, DEVSTATS_TX, 0, 6,
	  { "notifications", "packets", "bytes", "interrupts", "drops", "drop_malformed" } },
	{ VIRTIO_NET_STATS_TYPE_TX_CSUM, DEVSTATS_TX, 1, 2, { "csum_none", "needs_csum" } },
	{ VIRTIO_NET_STATS_TYPE_TX_GSO, DEVSTATS_TX, 2, 6,
	  { "gso_packets", "gso_bytes", "gso_segments", "gso_segments_bytes", "gso_packets_noseg",
	    "gso_bytes_noseg" } },
	{ VIRTIO_NET_STATS_TYPE_TX_SPEED, DEVSTATS_TX, 3, 2, { "ratelimit_packets", "ratelimit_bytes" } },
	{ VIRTIO_NET_STATS_TYPE_CVQ, DEVSTATS_CQ, 0, 2, { "command_num", "ok_num" } },
};

uint64_t devstats_of_side(uint64_t types, enum devstats_side side)
{
	uint64_t known = 0;

	for (unsigned i = 0; i < DEVSTATS_TYPES; i++)
		if (devstats_types[i].side == side)
			known |= UINT64_C(1) << devstats_types[i].type;
	return types & known;
}

size_t devstats_reply_len(uint64_t types)
{
	size_t len = 0;

	for (unsigned i = 0; i < DEVSTATS_TYPES; i++)
		if ((types >> devstats_types[i].type & 1) != 0)
			len += sizeof(struct vnic_ctrl_stats_reply) + devstats_types[i].n * sizeof(uint64_t);
	return len;
}

/* Strike a type from the request that asked for it; NULL: nobody did, or it was answered already. */
static const struct devstats_type *asked_for(struct vnic_ctrl_stats_request *asked, unsigned n, uint16_t vq,
					     uint8_t type)
{
	unsigned t = 0;

	while (t < DEVSTATS_TYPES && devstats_types[t].type != type)
		t++;
	if (t == DEVSTATS_TYPES)
		return NULL;
	for (unsigned i = 0; i < n; i++) {
		rte_le64_t bit = rte_cpu_to_le_64(UINT64_C(1) << type);

		if (rte_le_to_cpu_16(asked[i].vq_index) != vq || (asked[i].types_bitmap & bit) == 0)
			continue;
		asked[i].types_bitmap &= ~bit;
		return &devstats_types[t];
	}
	return NULL;
}

/* How many there are, of n known. */
static unsigned read_counters(const uint8_t *at, size_t len, unsigned n, uint64_t *counters)
{
	n = (unsigned)RTE_MIN(len / sizeof(*counters), (size_t)n);
	memcpy(counters, at, n * sizeof(*counters));
	for (unsigned i = 0; i < n; i++)
		counters[i] = rte_le_to_cpu_64(counters[i]);
	return n;
}

unsigned devstats_parse(const void *result, size_t len, struct vnic_ctrl_stats_request *asked, unsigned n,
			devstats_take_fn take, void *arg)
{
	const uint8_t *at = result;
	uint64_t counters[DEVSTATS_COUNTERS];
	struct vnic_ctrl_stats_reply head;
	unsigned errors = 0, known;

	while (len >= sizeof(head)) {
		const struct devstats_type *t;
		uint16_t size, vq;

		memcpy(&head, at, sizeof(head));
		size = rte_le_to_cpu_16(head.size);
		vq = rte_le_to_cpu_16(head.vq_index);
		if (size == 0) /* the end; with anything beside it somebody meant otherwise */
			return errors + (head.type != 0 || vq != 0);
		if (size < sizeof(head) || size % 8 != 0 || size > len)
			return errors + 1;
		t = asked_for(asked, n, vq, head.type);
		if (t == NULL) {
			errors++;
		} else {
			known = read_counters(at + sizeof(head), size - sizeof(head), t->n, counters);
			take(arg, vq, t, counters, known);
		}
		at += size;
		len -= size;
	}
	return errors;
}
