/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <string.h>

#include "app/config/field.h"

static void
describe_names(const struct cfg_field *f, char *buf, size_t size)
{
	size_t used = snprintf(buf, size, "one of");

	for (const struct cfg_enum *n = f->names; n->name != NULL && used < size; n++)
		used += snprintf(buf + used, size - used, "%s \"%s\"", n == f->names ? "" : ",", n->name);
}

static void
describe_length(const struct cfg_field *f, const char *what, char *buf, size_t size)
{
	snprintf(buf, size, "%s of %" PRIu64 " to %" PRIu64 " characters", what, f->min, f->max);
}

void
cfg_describe(const struct cfg_field *f, char *buf, size_t size)
{
	switch (f->type) {
	case CFG_TYPE_BOOL:
		snprintf(buf, size, "true or false");
		break;
	case CFG_TYPE_U32:
	case CFG_TYPE_U64:
		snprintf(buf, size, "an integer from %" PRIu64 " to %" PRIu64, f->min, f->max);
		break;
	case CFG_TYPE_STRING:
		describe_length(f, "a string of printable ASCII", buf, size);
		break;
	case CFG_TYPE_NAME:
		describe_length(f, "a name (letters, digits, _ - .)", buf, size);
		break;
	case CFG_TYPE_ENUM:
		describe_names(f, buf, size);
		break;
	case CFG_TYPE_IPV4:
		snprintf(buf, size, "an IPv4 address \"A.B.C.D\"");
		break;
	case CFG_TYPE_PREFIX:
		snprintf(buf, size, "an IPv4 prefix \"A.B.C.D/LEN\"");
		break;
	case CFG_TYPE_ENDPOINT:
		snprintf(buf, size, "an endpoint \"A.B.C.D:PORT\"");
		break;
	case CFG_TYPE_MAC:
		snprintf(buf, size, "a unicast MAC address \"XX:XX:XX:XX:XX:XX\"");
		break;
	case CFG_TYPE_RANGE:
		snprintf(buf, size, "a range [LOW, HIGH] of integers from %" PRIu64 " to %" PRIu64, f->min,
			 f->max);
		break;
	case CFG_TYPE_OBJECT:
		snprintf(buf, size, "an object {...}");
		break;
	case CFG_TYPE_ARRAY:
		snprintf(buf, size, "a list [...] of %" PRIu64 " to %" PRIu64 " elements", f->min, f->max);
		break;
	}
}
