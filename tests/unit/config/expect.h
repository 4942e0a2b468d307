/* SPDX-License-Identifier: BSD-3-Clause */
/* A configuration, written with ' for ", and what is said of it. */
#ifndef TESTS_CONFIG_EXPECT_H
#define TESTS_CONFIG_EXPECT_H

#include "app/smcgate/config/config.h"

struct expectation {
	const char *json;
	const char *lines[12]; /* none: the configuration is right */
};

/* Asserts that exactly these lines come, in this order, and prints what came
 * instead. */
void expect_all(const struct expectation *table, size_t n);

/* The configuration, which must be right; NULL and a failure otherwise. */
struct config *parse_quoted(const char *json);

/* ' to ", in a new string. */
char *quoted(const char *json);

#endif
