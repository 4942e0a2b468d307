/* SPDX-License-Identifier: BSD-3-Clause */
/* Trajectories of the variant for completion queues: direction and index after each window. */
#include <stdio.h>
#include <string.h>

#include "pmd/dim/dim.h"
#include "tests/unit/test.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))
#define MOST 32

struct point {
	uint64_t cpms;
	uint32_t ratio;
};

static const struct {
	const char *what;
	uint8_t index, tune;
	struct point prev, at[MOST]; /* the first that is all 0 ends it */
	const char *walk;
} table[] = {
	{ "nothing before: the same, few completions an event, at 0 already", 0, DIM_GOING_RIGHT, { 0 },
	  { { 1000, 100 }, { 1000, 100 } }, "R0 R0" },
	{ "more and more", 0, DIM_GOING_RIGHT, { 100, 100 },
	  { { 200, 100 }, { 300, 100 }, { 400, 100 }, { 500, 100 }, { 600, 100 }, { 700, 100 }, { 800, 100 },
	    { 900, 100 }, { 1100, 100 }, { 1300, 100 }, { 1500, 100 } },
	  "R1 R2 R3 R4 R5 R6 R7 R8 L8 L7 L6" }, /* at the end it turns, and moves with the next */
	{ "less turns, and less again turns back", 4, DIM_GOING_RIGHT, { 1000, 1000 },
	  { { 800, 1000 }, { 600, 1000 }, { 900, 1000 } }, "L3 R4 R5" },
	{ "fuller events are better at the same rate", 4, DIM_GOING_LEFT, { 1000, 1000 },
	  { { 1000, 1200 }, { 1000, 1000 } }, "L3 R4" },
	{ "the left end turns", 0, DIM_GOING_LEFT, { 1000, 1000 }, { { 2000, 1000 }, { 4000, 1000 } },
	  "R0 R1" },
	{ "little work an event: to 0 at once", 8, DIM_GOING_RIGHT, { 1000, 400 },
	  { { 1000, 400 }, { 1000, 400 } }, "R0 R0" },
	{ "just enough work an event", 8, DIM_GOING_RIGHT, { 1000, 401 }, { { 1000, 401 }, { 1000, 400 } },
	  "R8 R0" },
	{ "at 3 from 150 per cent down", 3, DIM_GOING_LEFT, { 1000, 151 }, { { 1000, 151 }, { 1000, 150 } },
	  "L3 L0" },
	{ "the reference moves with each window", 4, DIM_GOING_RIGHT, { 1000, 1000 },
	  { { 1090, 1000 }, { 1180, 1000 }, { 1280, 1000 }, { 1450, 1000 } }, "R4 R4 R4 R5" },
	{ "parked does nothing", 4, DIM_PARKING_ON_TOP, { 1000, 100 }, { { 9000, 10 }, { 10, 1 } }, "T4 T4" },
	{ "parked tired does nothing", 4, DIM_PARKING_TIRED, { 1000, 100 }, { { 9000, 10 }, { 10, 1 } },
	  "P4 P4" },
};

static void dim_rdma_decide__table(void)
{
	for (unsigned i = 0; i < N(table); i++) {
		char text[8 * MOST] = "";
		size_t n = 0;
		struct dim d;

		dim_rdma_init(&d);
		d.index = table[i].index;
		d.tune = table[i].tune;
		d.prev = (struct dim_rates){ .cpms = table[i].prev.cpms, .cpe_ratio = table[i].prev.ratio };
		for (const struct point *p = table[i].at; p->cpms != 0 && n + 8 < sizeof(text); p++) {
			struct dim_rates r = { .cpms = p->cpms, .cpe_ratio = p->ratio };
			uint8_t was = d.index;

			CU_ASSERT_EQUAL(dim_rdma_decide(&d, &r), d.index != was);
			CU_ASSERT(d.before == was && d.prev.cpms == p->cpms && d.prev.cpe_ratio == p->ratio);
			n += snprintf(text + n, sizeof(text) - n, "%s%c%u", n > 0 ? " " : "",
				      "TPRL"[d.tune & 3], d.index);
		}
		if (strcmp(text, table[i].walk) != 0)
			fprintf(stderr, "\n%s: walked %s, wanted %s\n", table[i].what, text, table[i].walk);
		CU_ASSERT_STRING_EQUAL(text, table[i].walk);
	}
}

static void dim_rdma_init__begins_at_0_going_right(void)
{
	struct dim d;

	dim_rdma_init(&d);
	CU_ASSERT(d.index == 0 && d.tune == DIM_GOING_RIGHT && d.profiles == DIM_RDMA_PROFILES);
	CU_ASSERT(d.run == DIM_START_MEASURE && d.prev.cpms == 0);
}

static const struct test_case cases[] = {
	TEST_CASE(dim_rdma_decide__table),
	TEST_CASE(dim_rdma_init__begins_at_0_going_right),
};
TEST_MAIN("dim rdma", cases)
