/* SPDX-License-Identifier: BSD-3-Clause */
/* Command line options. */
#include "app/smcgate/lcores.h"
#include "app/smcgate/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "tests/unit/test.h"

#define MAX_ARGS 10

struct arguments {
	const char *argv[MAX_ARGS];
	const char *said; /* NULL: they are right */
};

static int
count(const char *const *argv)
{
	int n = 0;

	while (argv[n] != NULL)
		n++;
	return n;
}

/* Parses; *said is malloc'ed. */
static int
parse(struct options *o, const char *const *argv, char **said)
{
	size_t size;
	FILE *err = open_memstream(said, &size);
	int rc = options_parse(o, count(argv), (char **)(uintptr_t)argv, err);

	fclose(err);
	return rc;
}

static void
parse__errors(void)
{
	static const struct arguments table[] = {
		{ { "x", "-c", "f" }, NULL },
		{ { "x" }, "smcgate: no configuration: give -c FILE after \"--\" (see --help)\n" },
		{ { "x", "-c" }, "smcgate: option -c needs an argument (see --help)\n" },
		{ { "x", "--config" }, "smcgate: option --config needs an argument (see --help)\n" },
		{ { "x", "-q" }, "smcgate: unknown option -q (see --help)\n" },
		{ { "x", "--confg=f" }, "smcgate: unknown or ambiguous option --confg=f (see --help)\n" },
		{ { "x", "--st" }, "smcgate: unknown or ambiguous option --st (see --help)\n" },
		{ { "x", "--strict=yes" }, "smcgate: option --strict=yes takes no argument (see --help)\n" },
		{ { "x", "--interactive=yes" }, "smcgate: option --interactive=yes takes no argument (see "
						"--help)\n" },
		{ { "x", "-c", "f", "more" }, "smcgate: unexpected argument \"more\" (see --help)\n" },
		{ { "x", "-c", "f", "--strict" }, "smcgate: --strict needs --cmdline-file\n" },
		{ { "x", "-c", "f", "--stats-period", "0" },
		  "smcgate: --stats-period: found \"0\", allowed: 1 to 86400 seconds\n" },
		{ { "x", "-c", "f", "--stats-period=86401" },
		  "smcgate: --stats-period: found \"86401\", allowed: 1 to 86400 seconds\n" },
		{ { "x", "-c", "f", "--stats-period=-1" },
		  "smcgate: --stats-period: found \"-1\", allowed: 1 to 86400 seconds\n" },
		{ { "x", "-c", "f", "--stats-period=1s" },
		  "smcgate: --stats-period: found \"1s\", allowed: 1 to 86400 seconds\n" },
		{ { "x", "-c", "f", "--stats-period=99999999999999999999" },
		  "smcgate: --stats-period: found \"99999999999999999999\", allowed: 1 to 86400 seconds\n" },
		{ { "x", "-c", "f", "--stats-period=86400" }, NULL },
		{ { "x", "--version" }, NULL },
		{ { "x", "--help", "--strict" }, NULL },
	};

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		struct options o;
		char *said = NULL;
		int rc = parse(&o, table[i].argv, &said);

		CU_ASSERT_EQUAL(rc, table[i].said == NULL ? 0 : -EINVAL);
		CU_ASSERT_STRING_EQUAL(said, table[i].said == NULL ? "" : table[i].said);
		if (strcmp(said, table[i].said == NULL ? "" : table[i].said) != 0)
			printf("\n  said: %s", said);
		free(said);
	}
}

static void
parse__all(void)
{
	static const char *const argv[] = { "x", "-i", "--config=f.json", "--cmdline-file", "cmds",
					    "--strict",
					    "--check-config", "--stats-period", "5", NULL };
	struct options o;
	char *said = NULL;

	CU_ASSERT_EQUAL(parse(&o, argv, &said), 0);
	CU_ASSERT_STRING_EQUAL(o.config_file, "f.json");
	CU_ASSERT_STRING_EQUAL(o.cmdline_file, "cmds");
	CU_ASSERT_TRUE(o.interactive && o.strict && o.check_config);
	CU_ASSERT_FALSE(o.version || o.help);
	CU_ASSERT_EQUAL(o.stats_period, 5);
	free(said);
}

static void
without_eal__table(void)
{
	static const struct {
		const char *argv[MAX_ARGS];
		bool without, refused;
	} table[] = {
		{ { "x", "--help" }, true, false },
		{ { "x", "--version" }, true, true },
		{ { "x", "-l", "0,1", "--", "--help" }, true, false },
		{ { "x", "-l", "0,1", "--", "--check-config", "-c", "f" }, true, false },
		{ { "x", "--check-config", "-c", "f" }, true, true },
		{ { "x", "--check-config" }, false, true },
		{ { "x", "-h" }, false, false },
		{ { "x", "-l", "0,1", "--help" }, false, false },
		{ { "x", "-l", "0,1", "--", "-c", "f" }, false, false },
		{ { "x" }, false, true },
		{ { "x", "-l", "0,1", "--" }, false, true },
		{ { "x", "--", "--check-config" }, false, true },
		{ { "x", "-l", "0,1", "--", "-c", "f", "--bogus" }, false, true },
	};
	FILE *null = fopen("/dev/null", "w");

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		struct options o;

		CU_ASSERT_EQUAL(options_refused(count(table[i].argv), (char **)(uintptr_t)table[i].argv, null),
				table[i].refused);
		CU_ASSERT_EQUAL(options_without_eal(&o, count(table[i].argv),
						    (char **)(uintptr_t)table[i].argv),
				table[i].without);
	}
	fclose(null);
}

/* Of EAL's arguments, those about lcores. */
static void
lcores_args__table(void)
{
	static const struct {
		const char *argv[MAX_ARGS];
		const char *args; /* NULL: no arguments of EAL's */
	} table[] = {
		{ { "x", "--", "--check-config", "-c", "f" }, NULL },
		{ { "x", "--check-config", "-c", "f" }, NULL },
		{ { "x", "-l", "0,1", "--", "-c", "f" }, " -l 0,1" },
		{ { "x", "-l0-3", "-n", "4", "--no-pci", "--", "-l", "7" }, " -l0-3" },
		{ { "x", "--lcores", "0@0,1@1", "--vdev=a", "--main-lcore=1", "--" },
		  " --lcores 0@0,1@1 --main-lcore=1" },
		{ { "x", "--lcore=2", "-c", "3", "--" }, " --lcore=2 -c 3" },
		{ { "x", "--no-pci", "--log-level=5", "--legacy-mem", "--" }, "" },
		{ { "x", "-l", "--", "-c", "f" }, " -l" },
		{ { "x", "-", "--l", "-s", "f", "--" }, " -s f" },
	};

	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		const char *want = table[i].args != NULL ? table[i].args : "";
		char *out[LCORES_ARGS_MAX], all[256] = "";
		int n = lcores_args(count(table[i].argv), (char **)(uintptr_t)table[i].argv, out);

		for (int k = 0; k < n; k++)
			snprintf(all + strlen(all), sizeof(all) - strlen(all), " %s", out[k]);
		CU_ASSERT_EQUAL(n < 0, table[i].args == NULL);
		CU_ASSERT_STRING_EQUAL(all, want);
		if (strcmp(all, want) != 0)
			printf("\n  row %u: %s\n", i, all);
	}
}

/* Each long option is in the usage text. */
static void
usage__is_complete(void)
{
	static const char *const options[] = {
		"-c, --config FILE", "-i, --interactive", "--cmdline-file FILE", "--strict", "--check-config",
		"--stats-period N", "--version", "--help",
	};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	options_usage(out);
	fclose(out);
	for (unsigned i = 0; i < RTE_DIM(options); i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(text, options[i]));
	free(text);
}

static const struct test_case cases[] = {
	TEST_CASE(parse__errors), TEST_CASE(parse__all), TEST_CASE(without_eal__table),
		TEST_CASE(lcores_args__table),
		TEST_CASE(usage__is_complete),
};
TEST_MAIN("options", cases)
