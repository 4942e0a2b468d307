/* SPDX-License-Identifier: BSD-3-Clause */
/* Log types on top of rte_log: "smcgate.<layer>", each with a level of its
 * own (EAL --log-level, configuration, console). Never on the data path
 * except through LOG_LIMITED. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <rte_log.h>

enum log_layer { 
	LOG_BASE, LOG_NET, LOG_TCP, LOG_SOCK, LOG_PIPELINE, LOG_CONFIG, LOG_CONSOLE, LOG_SERVICE,
	LOG_LAYERS
};

extern int log_types[LOG_LAYERS];
/* Names without the "smcgate." in front: "base", "net", ... */
extern const char *const log_layer_names[LOG_LAYERS];

#define LOG(layer, level, fmt, ...) \
	rte_log(RTE_LOG_##level, log_types[LOG_##layer], "smcgate " #layer ": " fmt "\n", ##__VA_ARGS__)

/* At most one line a second from this place; state is per thread. now_us is
 * the caller's clock. */
#define LOG_LIMITED(now_us, layer, level, fmt, ...) do { \
	static __thread uint64_t log_next_us_; \
	if ((now_us) >= log_next_us_) { \
		log_next_us_ = (now_us) + 1000000; \
		LOG(layer, level, fmt, ##__VA_ARGS__); \
	} \
} while (0)

#endif
