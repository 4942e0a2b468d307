/* SPDX-License-Identifier: BSD-3-Clause */
/* What the log calls this driver, and log and statistics call its faults. */
#include <rte_common.h>

#include "pmd/virtio/dev.h"

RTE_LOG_REGISTER(vnic_logtype, pmd.net.vnic, NOTICE)

static const char *const fault_names[] = {
#define X(id, name) [VNIC_FAULT_##id] = name,
	VNIC_FAULTS(X)
#undef X
};

const char *vnic_fault_name(enum vnic_fault f)
{
	return (unsigned)f < RTE_DIM(fault_names) ? fault_names[f] : "unknown";
}
