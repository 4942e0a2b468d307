/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/console/run.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>

#include "app/smcgate/console/console_impl.h"
#include "tests/unit/test.h"

void rig_up(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->dir, sizeof(r->dir), "/tmp/smcgate-console-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(r->dir));
	snprintf(r->socket, sizeof(r->socket), "%s/console", r->dir);
	r->pl = fake_start(r->socket, r->dir);
	CU_ASSERT_EQUAL_FATAL(console_start(&r->c, r->pl, &r->opts, -1), 0);
}

void rig_down(struct rig *r)
{
	console_stop(r->c);
	fake_stop(r->pl);
	free(r->text);
	CU_ASSERT_EQUAL(rmdir(r->dir), 0);
}

void rig_run(struct rig *r, const char *line)
{
	size_t len = 0;
	struct run run;
	FILE *out;

	free(r->text);
	r->text = NULL;
	fake.did[0] = '\0';
	CU_ASSERT_EQUAL_FATAL(run_init(&run, r->c), 0);
	run.out = out = open_memstream(&r->text, &len);
	pipeline_wait_as(&run.waiter);
	r->rc = console_run_line(&run, line);
	pipeline_wait_as(NULL);
	fclose(out);
	run_fini(&run);
}

static bool as_told(const struct rig *r, const struct rig_line *l)
{
	bool fails = l->says[0] != NULL && strncmp(l->says[0], "error: ", 7) == 0;

	if (strcmp(fake.did, l->did) != 0 || (r->rc < 0) != fails)
		return false;
	if (l->says[0] == NULL)
		return r->text[0] == '\0';
	for (unsigned s = 0; s < RTE_DIM(l->says) && l->says[s] != NULL; s++)
		if (strstr(r->text, l->says[s]) == NULL)
			return false;
	return true;
}

void rig_lines(const struct rig_line *lines, size_t n, bool no_smc)
{
	struct rig r;

	rig_up(&r);
	fake.no_smc = no_smc;
	for (size_t i = 0; i < n; i++) {
		fake.rc = lines[i].rc;
		rig_run(&r, lines[i].line);
		fake.rc = 0;
		if (as_told(&r, &lines[i]))
			continue;
		printf("\n  '%s': did '%s', rc %d, says\n%s\n", lines[i].line, fake.did, r.rc, r.text);
		CU_FAIL("a line did something else");
	}
	rig_down(&r);
}
