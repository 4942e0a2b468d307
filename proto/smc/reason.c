/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smc/reason.h"

#include <inttypes.h>
#include <stdio.h>

static const struct reason {
	uint32_t code;
	const char *name, *text;
} reasons[] = {
	{ SMC_RSN_NONE, "NONE", "no reason" },
#define X(suffix, code, name, text) { code, name, text },
	SMC_REASONS(X)
#undef X
};

static const struct reason *
find(uint32_t code)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (reasons[i].code == code)
			return &reasons[i];
	}
	return NULL;
}

const char *
smc_reason_name(uint32_t code)
{
	const struct reason *r = find(code);

	return r != NULL ? r->name : "UNKNOWN";
}

const char *
smc_reason_text(uint32_t code)
{
	const struct reason *r = find(code);

	return r != NULL ? r->text : "a code without a known meaning";
}

bool
smc_reason_on_wire(uint32_t code)
{
	return code != SMC_RSN_NONE && code != SMC_RSN_PEERDECL && code != SMC_RSN_OPTUNSUPP &&
	       code >> 24 != SMC_RSN_OWN;
}

char *
smc_reason_format(uint32_t code, char *buf, size_t room)
{
	snprintf(buf, room, "0x%08" PRIx32 " %s", code, smc_reason_name(code));
	return buf;
}
