/* SPDX-License-Identifier: BSD-3-Clause */
/* Any text is either a whole configuration or a list of errors, and all of it
 * can be freed. */
#include <stdlib.h>
#include <string.h>

#include "app/smcgate/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A line is one line, whatever the text was. */
static void
check_line(const char *line)
{
	for (; *line != '\0'; line++) {
		if ((unsigned char)*line < 0x20 || (unsigned char)*line > 0x7e)
			abort();
	}
}

static void
check(int rc, const void *result, struct cfg_errors *errs)
{
	if ((rc == 0) != (result != NULL) || (rc == 0) == cfg_errors_any(errs))
		abort();
	for (unsigned i = 0; i < errs->n; i++)
		check_line(errs->lines[i]);
	cfg_errors_free(errs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned workers[] = { 1, 2, 3 };
	static const struct config none;
	struct cfg_errors errs = { 0 };
	struct config_service *svc;
	struct config *cfg;
	int rc = config_parse_buffer((const char *)data, size, &cfg, &errs);

	check(rc, cfg, &errs);
	if (cfg != NULL) {
		config_deal_queues(cfg, workers, 3, &errs);
		cfg_errors_free(&errs);
	}
	config_free(cfg);
	rc = config_parse_service(&none, (const char *)data, size, &svc, &errs);
	check(rc, svc, &errs);
	config_service_free(svc);
	return 0;
}
