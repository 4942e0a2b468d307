/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside app/vnicd/config only. */
#ifndef VNICD_CONFIG_CHECK_H
#define VNICD_CONFIG_CHECK_H

#include "app/vnicd/config/config.h"

/* What one key cannot tell. Adds to errs. */
void vnicd_config_check(const struct vnicd_config *cfg, struct cfg_errors *errs);

#endif
