/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <rte_common.h>

#include "app/config/field.h"

#define WORD_MAX 40

/* Optimal string alignment distance: insertions, deletions, substitutions and
 * swaps of neighbours, each at cost 1. Words are shorter than WORD_MAX. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned d[WORD_MAX + 1][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	for (size_t i = 0; i <= la; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		for (size_t j = 1; j <= lb; j++) {
			unsigned cost = a[i - 1] != b[j - 1];
			unsigned best = RTE_MIN(d[i - 1][j], d[i][j - 1]) + 1;

			best = RTE_MIN(best, d[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = RTE_MIN(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	}
	return d[la][lb];
}

const char *
cfg_suggest(const struct cfg_field *table, const char *key)
{
	/* A third of the letters may be wrong; more is another word. */
	unsigned best = strlen(key) / 3 + 1;
	const char *found = NULL;

	if (table == NULL || strlen(key) >= WORD_MAX)
		return NULL;
	for (const struct cfg_field *f = table; f->key != NULL; f++) {
		unsigned d;

		if (strlen(f->key) >= WORD_MAX)
			continue;
		d = distance(key, f->key);
		if (d < best) {
			best = d;
			found = f->key;
		}
	}
	return found;
}
