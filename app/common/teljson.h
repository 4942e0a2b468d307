/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON as DPDK's telemetry can say it. Telemetry of DPDK 22.11 knows no arrays
 * of objects, no real numbers and no booleans, cuts what it sends at 16 KiB and
 * what it keeps at 256 keys an object. So a table is an object of rows named by
 * their numbers, reals are strings as the console shows them, booleans 0 and 1,
 * and what is too long is paged: "next" in an answer says what to add as
 * ",from=N" to get the rest. Any thread.
 */
#ifndef COMMON_TELJSON_H
#define COMMON_TELJSON_H

#include <stddef.h>

#include <jansson.h>

#define TELJSON_PAGE 15000 /* octets of an answer, below telemetry's own 16 KiB */

struct rte_tel_data;

/* An object into d, which is new; rows of its tables are named from first on. */
int teljson_fill(struct rte_tel_data *d, json_t *o, size_t first);
/* Keep of the longest table the rows from number from on that fit a page, and
 * add "next" when more come after. */
void teljson_page(json_t *o, size_t from);

#endif
