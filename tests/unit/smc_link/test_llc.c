/* SPDX-License-Identifier: BSD-3-Clause */
/* LLC against a scripted peer. */
#include "tests/unit/smc_link/fixture.h"

static void smc_link_confirm__as_server(void)
{
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_SERVER);
	LF_NONE(&f, &f.peer);
	lf_fini(&f);
}

static void smc_link_confirm__as_client(void)
{
	struct lf f;

	lf_init(&f, NULL);
	lf_first_contact(&f, SMC_CLIENT);
	LF_NONE(&f, &f.peer);
	lf_fini(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(smc_link_confirm__as_server),
	TEST_CASE(smc_link_confirm__as_client),
};
TEST_MAIN("smc_llc", cases)
