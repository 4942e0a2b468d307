/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/net/drop.h"

const char *const net_drop_names[NET_DROP_MAX] = {
#define NET_DROP_NAME(id, name) [DROP_##id] = name,
	NET_DROP_REASONS(NET_DROP_NAME)
#undef NET_DROP_NAME
};
