/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smc/reason.h"

#include <string.h>

#include "tests/unit/test.h"

static const uint32_t codes[] = {
#define X(suffix, code, name, text) code,
	SMC_REASONS(X)
#undef X
};
#define N_CODES (sizeof(codes) / sizeof(codes[0]))

static void smc_reason_name__known(void)
{
	CU_ASSERT_STRING_EQUAL(smc_reason_name(0), "NONE");
	CU_ASSERT_STRING_EQUAL(smc_reason_name(0x03010000), "PEER_NO_SMC");
	CU_ASSERT_STRING_EQUAL(smc_reason_name(0x01010000), "MEMORY");
	CU_ASSERT_STRING_EQUAL(smc_reason_name(0x09990003), "ERR_REGBUF");
	CU_ASSERT_STRING_EQUAL(smc_reason_name(SMC_RSN_NOSMCDEV), "NOSMCDEV");
	CU_ASSERT_STRING_EQUAL(smc_reason_text(SMC_RSN_IPSEC), "the TCP connection is protected by IPsec");
}

/* Codes of older peers are legal, and printable. */
static void smc_reason_name__unknown(void)
{
	static const uint32_t unknown[] = { 1, 0x02000000, 0x06000000, 0x99990000, UINT32_MAX };
	char buf[32];

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		CU_ASSERT_STRING_EQUAL(smc_reason_name(unknown[i]), "UNKNOWN");
		CU_ASSERT_STRING_EQUAL(smc_reason_text(unknown[i]), "a code without a known meaning");
	}
	CU_ASSERT_STRING_EQUAL(smc_reason_format(0x99990000, buf, sizeof(buf)), "0x99990000 UNKNOWN");
	CU_ASSERT_STRING_EQUAL(smc_reason_format(SMC_RSN_PEERDECL, buf, sizeof(buf)), "0x05000000 PEERDECL");
}

static void smc_reason__one_code_one_name_one_sentence(void)
{
	char buf[32];

	for (size_t i = 0; i < N_CODES; i++) {
		const char *text = smc_reason_text(codes[i]);

		CU_ASSERT(strlen(text) > 0 && text[strlen(text) - 1] != '.');
		CU_ASSERT(strlen(smc_reason_format(codes[i], buf, sizeof(buf))) < sizeof(buf) - 1);
		for (size_t j = 0; j < i; j++) {
			CU_ASSERT_NOT_EQUAL(codes[i], codes[j]);
			CU_ASSERT_STRING_NOT_EQUAL(smc_reason_name(codes[i]), smc_reason_name(codes[j]));
			CU_ASSERT_STRING_NOT_EQUAL(text, smc_reason_text(codes[j]));
		}
	}
}

static void smc_reason_on_wire__ours_stay_here(void)
{
	CU_ASSERT(smc_reason_on_wire(SMC_RSN_MEM));
	CU_ASSERT(smc_reason_on_wire(SMC_RSN_SYNCERR));
	CU_ASSERT(smc_reason_on_wire(SMC_RSN_PEERNOSMC));
	CU_ASSERT(!smc_reason_on_wire(SMC_RSN_NONE));
	CU_ASSERT(!smc_reason_on_wire(SMC_RSN_PEERDECL));
	CU_ASSERT(!smc_reason_on_wire(SMC_RSN_OPTUNSUPP));
	CU_ASSERT(!smc_reason_on_wire(SMC_RSN_OWN_POLICY));
	CU_ASSERT(!smc_reason_on_wire(SMC_RSN_OWN_REFLECTED));
}

static const struct test_case cases[] = {
	TEST_CASE(smc_reason_name__known),
	TEST_CASE(smc_reason_name__unknown),
	TEST_CASE(smc_reason__one_code_one_name_one_sentence),
	TEST_CASE(smc_reason_on_wire__ours_stay_here),
};
TEST_MAIN("reason", cases)
