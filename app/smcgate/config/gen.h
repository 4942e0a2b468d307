/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside schema_gen only: what is made from the tables. */
#ifndef CONFIG_GEN_H
#define CONFIG_GEN_H

#include <stdio.h>

#include <jansson.h>

/* The JSON Schema of the whole file; the caller's reference. NULL: no memory. */
json_t *gen_schema(void);

/* doc/configuration.md. */
void gen_doc(FILE *out);

#endif
