/* SPDX-License-Identifier: BSD-3-Clause */
/* Our wire format against the header of a kernel that nobody here wrote. */
#include "tests/unit/virtio/uapi.h"

#include <stdio.h>
#include <string.h>

#include <rte_common.h>

#include "pmd/virtio/devstats_msg.h"
#include "tests/unit/test.h"

static const struct uapi_row *find(const struct uapi_row *rows, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static void numbers__are_the_same(void)
{
	CU_ASSERT_EQUAL(uapi_ours_n, uapi_theirs_n);
	/* Each once: a row that is there twice would hide one that is not. */
	for (size_t i = 0; i < uapi_ours_n; i++)
		CU_ASSERT(find(uapi_ours, uapi_ours_n, uapi_ours[i].key) == &uapi_ours[i]);
	for (size_t i = 0; i < uapi_ours_n; i++) {
		const struct uapi_row *theirs = find(uapi_theirs, uapi_theirs_n, uapi_ours[i].key);

		CU_ASSERT_FATAL(theirs != NULL);
		if (theirs->value != uapi_ours[i].value)
			printf("%s: %ju, Linux has %ju\n", theirs->key, (uintmax_t)uapi_ours[i].value,
			       (uintmax_t)theirs->value);
		CU_ASSERT_EQUAL(theirs->value, uapi_ours[i].value);
	}
}

/* Where a counter is in its reply, and what ethtool calls it. */
static void counters__are_the_same(void)
{
	size_t n = 0;

	for (unsigned i = 0; i < DEVSTATS_TYPES; i++) {
		const struct devstats_type *t = &devstats_types[i];

		for (unsigned k = 0; k < t->n; k++, n++) {
			const struct uapi_counter *c = NULL;
			const char *name = NULL;

			for (size_t j = 0; j < uapi_counters_n; j++)
				if (uapi_counters[j].type == t->type && uapi_counters[j].offset == 8 + 8 * k)
					c = &uapi_counters[j];
			CU_ASSERT_FATAL(c != NULL);
			name = t->side == DEVSTATS_CQ ? c->name : c->name + strlen("rx_");
			CU_ASSERT_STRING_EQUAL(name, t->name[k]);
			CU_ASSERT(t->side == DEVSTATS_CQ ||
				  strncmp(c->name, t->side == DEVSTATS_RX ? "rx_" : "tx_", 3) == 0);
		}
	}
	CU_ASSERT_EQUAL(n, uapi_counters_n);
}

struct taken {
	unsigned types;
	uint64_t base;
};

static void take(void *arg, uint16_t vq, const struct devstats_type *t, const uint64_t *counters, unsigned n)
{
	struct taken *k = arg;

	CU_ASSERT_EQUAL(vq, t->side == DEVSTATS_RX ? 6 : t->side == DEVSTATS_TX ? 7 : 8);
	CU_ASSERT_EQUAL(n, t->n);
	for (unsigned i = 0; i < n; i++)
		CU_ASSERT_EQUAL(counters[i], k->base + i + 1);
	k->types++;
}

/* What Linux's structures say is read as they say it, and nothing is left over. */
static void replies__made_by_linux(void)
{
	uint64_t buf[64];
	struct taken k = { .base = UINT64_C(0x8877665544332200) };
	struct vnic_ctrl_stats_request asked[3];
	size_t len = 0;

	memset(buf, 0, sizeof(buf));
	CU_ASSERT_EQUAL(uapi_stats_request(&asked[0], 6, 0xf), sizeof(asked[0]));
	CU_ASSERT_EQUAL(uapi_stats_request(&asked[1], 7, 0xf0000), sizeof(asked[1]));
	CU_ASSERT_EQUAL(uapi_stats_request(&asked[2], 8, UINT64_C(1) << 32), sizeof(asked[2]));
	for (unsigned i = 0; i < DEVSTATS_TYPES; i++) {
		const struct devstats_type *t = &devstats_types[i];
		uint16_t vq = t->side == DEVSTATS_RX ? 6 : t->side == DEVSTATS_TX ? 7 : 8;
		size_t one = uapi_stats_reply(buf + len / 8, t->type, vq, k.base);

		CU_ASSERT_EQUAL(one, devstats_reply_len(UINT64_C(1) << t->type));
		len += one;
	}
	CU_ASSERT_EQUAL(len, 344);
	CU_ASSERT_EQUAL(devstats_parse(buf, sizeof(buf), asked, 3, take, &k), 0);
	CU_ASSERT_EQUAL(k.types, DEVSTATS_TYPES);
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(asked[i].types_bitmap, 0);
}

/* The same octets, field by field. */
static void commands__octets(void)
{
	const struct vnic_ctrl_coal all = { rte_cpu_to_le_32(0x01020304), rte_cpu_to_le_32(0x05060708) };
	const struct vnic_ctrl_coal_vq one = { rte_cpu_to_le_16(0x0a0b), 0, all };
	const struct vnic_ctrl_stats_request ask = { .vq_index = rte_cpu_to_le_16(0x0a0b),
						     .types_bitmap = rte_cpu_to_le_64(0x1000f000f) };
	static const uint8_t capabilities[] = { 0x0f, 0, 0x0f, 0, 1, 0, 0, 0 };
	uint64_t theirs[8];

	CU_ASSERT(uapi_coal(theirs, 0x01020304, 0x05060708, 0) == sizeof(all) &&
		  memcmp(theirs, &all, sizeof(all)) == 0);
	CU_ASSERT(uapi_coal(theirs, 0x01020304, 0x05060708, 1) == sizeof(all) &&
		  memcmp(theirs, &all, sizeof(all)) == 0);
	CU_ASSERT(uapi_coal_vq(theirs, 0x0a0b, 0x01020304, 0x05060708) == sizeof(one) &&
		  memcmp(theirs, &one, sizeof(one)) == 0);
	CU_ASSERT(uapi_stats_request(theirs, 0x0a0b, 0x1000f000f) == sizeof(ask) &&
		  memcmp(theirs, &ask, sizeof(ask)) == 0);
	CU_ASSERT(uapi_stats_capabilities(theirs, 0x1000f000f) == sizeof(capabilities) &&
		  memcmp(theirs, capabilities, sizeof(capabilities)) == 0);
}

static const struct test_case cases[] = {
	TEST_CASE(numbers__are_the_same),
	TEST_CASE(counters__are_the_same),
	TEST_CASE(replies__made_by_linux),
	TEST_CASE(commands__octets),
};
TEST_MAIN("virtio_uapi", cases)
