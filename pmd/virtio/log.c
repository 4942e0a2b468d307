/* SPDX-License-Identifier: BSD-3-Clause */
/* What the log calls this driver. */
#include <rte_common.h>

#include "pmd/virtio/dev.h"

RTE_LOG_REGISTER(vnic_logtype, pmd.net.vnic, NOTICE)
