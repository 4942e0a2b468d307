/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VNICD_TAP_OPEN_H
#define VNICD_TAP_OPEN_H

#include "app/vnicd/config/config.h"

/* Make the interface that conf wants; conf->queues descriptors into fds, the
 * caller's. The interface is gone when all are closed. *uso: the kernel takes and sends UDP segments. -errno, nothing is left then. */
int vnicd_tap_open(const struct vnicd_config_uplink *conf, int *fds, bool *uso);

#endif
