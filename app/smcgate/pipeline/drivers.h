/* SPDX-License-Identifier: BSD-3-Clause */
/* What has to be known of a driver and cannot be asked from it. */
#ifndef PIPELINE_DRIVERS_H
#define PIPELINE_DRIVERS_H

#include <stdbool.h>
#include <stdint.h>

enum driver_queues {
	DRIVER_QUEUES_FREE,   /* as many as it offers */
	DRIVER_QUEUES_PEER,   /* the other side has to have as many: as configured */
	DRIVER_QUEUES_EQUAL,  /* as configured, the same number of each direction */
};

struct driver {
	const char *name;     /* beginning of rte_eth_dev_info.driver_name */
	enum driver_queues queues;
	bool no_pinned;       /* refuses, or silently fails with, pinned external buffers */
	bool eal_memory;      /* its peer maps EAL's memory only, and it does not start beside any other */
	bool arena_only;      /* its device sees arenas and nothing else: headers lie there too */
	bool rx_intr;         /* receive queues have descriptors to wait for */
	bool rx_intr_arm;     /* which have to be enabled */
	bool no_rss;          /* its hash is not what it says */
	bool mac_is_peers;    /* its address is the other side's: ours must be another */
	bool tx_copies;       /* sends by copying, without a system call: buffers are back when the burst returns */
	uint64_t tx_broken;   /* offered but not usable */
	uint64_t tx_with_tso; /* not offered but usable when its arguments have tso=1 */
};

/* Never NULL: an unknown driver has the last entry. */
const struct driver *driver_of(const char *name);

#endif
