/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/smcgate/lcores.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_lcore.h>

/* getopt takes a long name cut short; a shorter one than this EAL calls ambiguous. */
#define NAME_MIN 2

static bool is_long(const char *arg, const char *name)
{
	size_t len = strcspn(arg, "=");

	return len >= strlen("--") + NAME_MIN && len <= strlen(name) && strncmp(arg, name, len) == 0;
}

/* 0: about something else; 1: with its value; 2: the value is the next argument. */
static int words(const char *arg)
{
	if (arg[0] != '-')
		return 0;
	if (arg[1] != '-')
		return strchr("lcsS", arg[1]) == NULL || arg[1] == '\0' ? 0 : arg[2] != '\0' ? 1 : 2;
	if (!is_long(arg, "--lcores") && !is_long(arg, "--main-lcore"))
		return 0;
	return strchr(arg, '=') != NULL ? 1 : 2;
}

int lcores_args(int argc, char **argv, char **out)
{
	int end = 1, n = 0;

	while (end < argc && strcmp(argv[end], "--") != 0)
		end++;
	if (end == argc || end == 1)
		return -1;
	for (int i = 1; i < end;) {
		int take = words(argv[i]);

		for (int k = i; k < RTE_MIN(i + take, end) && n < LCORES_ARGS_MAX; k++)
			out[n++] = argv[k];
		i += RTE_MAX(take, 1);
	}
	return n;
}

int lcores_deal(struct config *cfg, struct cfg_errors *errs)
{
	unsigned workers[RTE_MAX_LCORE], n = 0, lcore;

	RTE_LCORE_FOREACH_WORKER(lcore)
		workers[n++] = lcore;
	return config_deal_queues(cfg, workers, n, errs);
}

int lcores_check(char **args, int n_args, char *program, struct config *cfg, struct cfg_errors *errs)
{
	/* Nothing is shared with, or seen by, a running instance. */
	static char quiet[][40] = { "--no-huge", "-m", "64", "--no-shconf", "--no-pci", "--no-telemetry",
				    "--log-level=lib.eal:error", "" };
	char *argv[1 + RTE_DIM(quiet) + LCORES_ARGS_MAX + 1] = { program };
	int argc = 1;

	snprintf(quiet[RTE_DIM(quiet) - 1], sizeof(quiet[0]), "--file-prefix=smcgate-check-%d", (int)getpid());
	for (unsigned i = 0; i < RTE_DIM(quiet); i++)
		argv[argc++] = quiet[i];
	for (int i = 0; i < n_args; i++)
		argv[argc++] = args[i];
	if (rte_eal_init(argc, argv) < 0)
		return -EINVAL;
	lcores_deal(cfg, errs);
	return 0;
}
