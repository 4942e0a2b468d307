/* SPDX-License-Identifier: BSD-3-Clause */
/* Two service types for tests: "dummy", which listens and has keys of its own,
 * and "client", which does neither. */
#ifndef TESTS_CONFIG_DUMMY_H
#define TESTS_CONFIG_DUMMY_H

#include "app/config/field.h"

struct dummy_conf {
	uint32_t size;
	char directory[16];
	struct cfg_endpoint *backends;
	unsigned n_backends;
};

#endif
