/* SPDX-License-Identifier: BSD-3-Clause */
/* Moderation on the console: what is asked for, what is refused, what is shown. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/console/run.h"
#include "tests/unit/test.h"

static const struct {
	const char *line, *did, *says;
} lines[] = {
	{ "set moderation 0 adaptive", "moderation 0 -1 2 0", "" },
	{ "set moderation 0 0 busy-poll", "moderation 0 0 0 0", "" },
	{ "set moderation left static 3", "moderation 0 -1 1 3", "" },
	{ "set moderation all 0 static 4", "moderation 1 0 1 4", "" },
	{ "set moderation 0 static 5", "", "error: port 0: there is no profile 5" },
	{ "set moderation 0 static x", "", "error: profile: found 'x', allowed 0..15" },
	{ "set moderation 0 static", "", "error: static is followed by too little, allowed: [QUEUE] busy-poll" },
	{ "set moderation 0 adaptive 1", "", "error: adaptive is followed by too much" },
	{ "set moderation 0 0 static 1 2", "", "error: static is followed by too much" },
	{ "set moderation 0 0", "", "error: found '', allowed: [QUEUE] busy-poll" },
	{ "set moderation 0 64 adaptive", "", "error: receive queue: found '64', allowed 0..63" },
	{ "set moderation 0 1 adaptive", "", "error: port 0: it has no receive queue 1" },
	{ "set moderation 0 lazy", "", "error: found 'lazy', allowed: [QUEUE] busy-poll|static PROFILE" },
	{ "set moderation 0 max-latency 500", "latency 0 -1 500", "" },
	{ "set moderation 0 0 max-latency 20", "latency 0 0 20", "error: port 0: a profile has more sleep or usecs than 20" },
	{ "set moderation 0 max-latency 0", "", "error: max-latency: found '0', allowed 1..1000000" },
	{ "set moderation left 0 profile 2 30 64 40 100", "profile 0 0 2 30 64 40 100", "" },
	{ "set moderation 0 profile 2 30 64 1001 100", "profile 0 -1 2 30 64 1001 100", "error: port 0: sleep or usecs" },
	{ "set moderation 0 profile 5 30 64 40 100", "profile 0 -1 5 30 64 40 100", "error: port 0: there is no such" },
	{ "set moderation 0 profile 2 0 64 40 100", "", "error: sleep: found '0'" },
	{ "set moderation 0 profile 2 30 64 40 65536", "", "error: packets: found '65536'" },
	{ "set moderation 0 profile 2 30 64 40", "", "error: profile is followed by too little" },
	{ "set moderation 7 adaptive", "", "error: port: found '7'" },
	{ "set moderation 0", "", "error: " },
};

static void set_moderation__lines(void)
{
	struct rig r;

	rig_up(&r);
	for (size_t i = 0; i < RTE_DIM(lines); i++) {
		bool fails = lines[i].says[0] != '\0', ok;

		fake.did[0] = '\0';
		rig_run(&r, lines[i].line);
		ok = strcmp(fake.did, lines[i].did) == 0 && (r.rc < 0) == fails && strstr(r.text, lines[i].says) != NULL;
		if (!ok) {
			printf("\n  '%s': did '%s', rc %d, says\n%s\n", lines[i].line, fake.did, r.rc, r.text);
			CU_FAIL("a line did something else");
		}
	}
	rig_down(&r);
}

static void shows(struct rig *r, const char *line, const char *text)
{
	rig_run(r, line);
	CU_ASSERT_EQUAL(r->rc, 0);
	if (strstr(r->text, text) == NULL) {
		printf("\n  '%s' lacks '%s':\n%s\n", line, text, r->text);
		CU_FAIL("not shown");
	}
}

static void show_moderation__queues_and_history(void)
{
	struct rig r;

	rig_up(&r);
	shows(&r, "show moderation", "adaptive");
	shows(&r, "show moderation", "busy-poll");
	shows(&r, "show moderation right", "-");
	CU_ASSERT_PTR_NULL(strstr(r.text, "adaptive"));
	shows(&r, "show moderation 0", "right");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "12345"));
	CU_ASSERT_PTR_NULL(strstr(r.text, "tired"));
	shows(&r, "show moderation 0 0", "tired");
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "3000"));
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "4321"));
	rig_run(&r, "show moderation 0 1");
	CU_ASSERT(r.rc < 0);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.text, "error: receive queue: found '1', allowed 0..0"));
	rig_run(&r, "show moderation all 0");
	CU_ASSERT(r.rc < 0);
	rig_down(&r);
}

static const struct test_case cases[] = {
	TEST_CASE(set_moderation__lines),
	TEST_CASE(show_moderation__queues_and_history),
};
TEST_MAIN("console_moderation", cases)
