/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/vnicd/dev/ring.h"

void vnicd_ring_lengths(uint16_t size, bool packed, uint64_t *desc, uint64_t *driver, uint64_t *device)
{
	*desc = vring_desc_len(size);
	*driver = packed ? sizeof(struct vring_packed_event) : vring_avail_len(size);
	*device = packed ? sizeof(struct vring_packed_event) : vring_used_len(size);
}

const char *vnicd_ring_error_name(enum vnicd_ring_error e)
{
	static const char *const names[] = {
#define X(id, name) name,
		VNICD_RING_ERRORS(X)
#undef X
	};

	return (unsigned)e < VNICD_RING_ERROR_COUNT ? names[e] : "unknown";
}
