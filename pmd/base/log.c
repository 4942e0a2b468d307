/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmd/base/log.h"

#include <stdio.h>

#include <rte_common.h>

int log_types[LOG_LAYERS];

const char *const log_layer_names[LOG_LAYERS] = {
	[LOG_BASE] = "base", [LOG_NET] = "net", [LOG_TCP] = "tcp", [LOG_SOCK] = "sock",
	[LOG_PIPELINE] = "pipeline", [LOG_CONFIG] = "config", [LOG_CONSOLE] = "console",
	[LOG_SERVICE] = "service",
};

/* A constructor, because EAL applies --log-level to the types it knows when
 * it parses its options. */
RTE_INIT(log_register)
{
	char name[64];

	for (int i = 0; i < LOG_LAYERS; i++) {
		snprintf(name, sizeof(name), "smcgate.%s", log_layer_names[i]);
		log_types[i] = rte_log_register_type_and_pick_level(name, RTE_LOG_INFO);
		if (log_types[i] < 0)
			log_types[i] = RTE_LOGTYPE_USER1;
	}
}
