/* SPDX-License-Identifier: BSD-3-Clause */
/* What telemetry is told and may do, and who carries it to the loop. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>

#include "app/vnicd/control.h"
#include "app/vnicd/loop.h"
#include "app/vnicd/vport.h"
#include "tests/unit/test.h"

static struct vnicd_switch sw;
static struct vnicd_loop *loop;
static struct vnicd_config *cfg;
static char text[600], dir[] = "/tmp/vnicd-view.XXXXXX";

static bool
work(void *arg, uint64_t now)
{
	return vnicd_switch_work(&sw, now);
}
static bool
arm(void *arg, bool on)
{
	return vnicd_switch_arm(&sw, on);
}
static uint64_t
timer(void *arg, uint64_t now)
{
	return vnicd_switch_timer(&sw, now);
}

/* A port "p" that nobody is connected to. */
static void
begin(const char *more)
{
	static const struct vnicd_loop_ops ops = { .work = work, .arm = arm, .timer = timer };
	struct cfg_errors errs = { 0 };

	rte_log_set_level((uint32_t)vnicd_logtype, RTE_LOG_ERR);
	strcpy(dir, "/tmp/vnicd-view.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	snprintf(text, sizeof(text), "{\"ports\": [{\"name\": \"p\", \"path\": \"%s/s\"%s}]}", dir, more);
	CU_ASSERT_EQUAL_FATAL(vnicd_config_parse(text, strlen(text), &cfg, &errs), 0);
	CU_ASSERT_EQUAL_FATAL(vnicd_loop_create(&loop, &ops, NULL, 0), 0);
	CU_ASSERT_EQUAL_FATAL(vnicd_switch_init(&sw, cfg, loop), 0);
	CU_ASSERT_EQUAL_FATAL(vnicd_vport_create(&sw, &cfg->ports[0], 0), 0);
}

static void
end(void)
{
	vnicd_switch_fini(&sw);
	vnicd_loop_destroy(loop);
	vnicd_config_free(cfg);
	CU_ASSERT_EQUAL(rmdir(dir), 0); /* the socket is gone, too */
}

static json_t *
view(const char *path, const char *params)
{
	for (const struct vnicd_view *v = vnicd_views; v->path != NULL; v++)
		if (strcmp(v->path, path) == 0)
			return v->fn(&sw, params);
	return NULL;
}

/* Has the answer this text in it? */
static bool
answers(const char *path, const char *params, const char *want)
{
	json_t *o = view(path, params);
	char *s = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	bool ok = s != NULL && strstr(s, want) != NULL;

	if (!ok)
		printf("%s,%s: %s\n", path, params, s);
	free(s);
	json_decref(o);
	return ok;
}

/* ---- views ---------------------------------------------------------------------- */
static void
view__each_answers_anything(void)
{
	static const char *const params[] = { NULL, "", "p", "q", ",,,", "p,,", "p,p,p,p,p,p,p,p,p,p,p,p,p,p,p,p,p,p",
					      "p,drop,99999999999999999999999" };

	begin("");
	for (const struct vnicd_view *v = vnicd_views; v->path != NULL; v++) {
		for (unsigned i = 0; i < RTE_DIM(params); i++) {
			json_t *o = v->fn(&sw, params[i]);

			CU_ASSERT_PTR_NOT_NULL(o);
			json_decref(o);
		}
	}
	end();
}

static void
view__control(void)
{
	static const struct {
		const char *params, *want;
	} rows[] = {
		{ "p", "\"concurrency\":1,\"jitter_us\":0,\"latency_us\":70,\"order\":\"fifo\"" },
		{ "p,latency_us,200,concurrency,16,order,any",
		  "\"concurrency\":16,\"jitter_us\":0,\"latency_us\":200,\"order\":\"any\"" },
		{ "p,jitter_us,5", "\"concurrency\":16,\"jitter_us\":5,\"latency_us\":200,\"order\":\"any\"" },
		{ "p,concurrency,0", "\"error\"" },
		{ "p,concurrency,257", "\"error\"" },
		{ "p,order,sometimes", "\"error\"" },
		{ "p,speed,5", "\"error\"" },
		{ "p,latency_us", "\"error\"" },
		{ "p,latency_us,\xff", "\"error\"" },
		{ "q,latency_us,5", "\"error\":\"there is no vhost-user port" },
		{ "p", "\"concurrency\":16,\"jitter_us\":5,\"latency_us\":200,\"order\":\"any\"" }, /* as it was */
	};

	begin(", \"control\": {\"latency_us\": 70}");
	for (unsigned i = 0; i < RTE_DIM(rows); i++)
		CU_ASSERT_TRUE(answers("/vnicd/port/control", rows[i].params, rows[i].want));
	CU_ASSERT_TRUE(answers("/vnicd/port", "p", "\"latency_us\":200"));
	end();
}

static void
view__faults(void)
{
	static const struct {
		const char *params, *want;
	} rows[] = {
		{ "p,ctrl_never,0", "\"result\":\"done\"" },
		{ "p,ctrl_late,500", "\"result\":\"done\"" },
		{ "p,ctrl_only,8", "\"result\":\"done\"" },
		{ "p,ctrl_only,256", "\"error\":\"refused: the value is more than ctrl_only takes, or" },
		{ "p,ctrl_late,3600000001", "\"error\":\"refused" },
		{ "p,reset_late,0", "\"result\":\"done\"" },
		{ "p,reset_late,99999999999", "\"error\":\"refused" },
		{ "p,announce", "\"error\":\"refused: Operation not supported" }, /* no driver agreed */
		{ "p,lie_id_range,1,9", "\"error\":\"refused" },                   /* no such ring */
		{ "p,nothing", "\"error\":\"there is no fault" },
		{ "p,clear", "\"result\":\"done\"" },
	};
	struct vnicd_ctrl_faults *f;

	begin("");
	f = vnicd_ctrl_work_faults(vnicd_vport_of(sw.port[0])->work);
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		CU_ASSERT_TRUE(answers("/vnicd/port/fault", rows[i].params, rows[i].want));
		if (i == 2)
			CU_ASSERT(f->left[VNICD_CTRL_NEVER] == UINT64_MAX && f->late_us == 500 && f->only == 8);
	}
	CU_ASSERT(f->left[VNICD_CTRL_NEVER] == 0 && f->late_us == 0 && f->only == VNICD_CTRL_ANY);
	end();
}

/* Each kind is known to a port; only a driver that is not there cannot be asked. */
static void
view__every_fault(void)
{
	char params[64];

	begin("");
	for (const struct cfg_enum *k = vnicd_fault_names; k->name != NULL; k++) {
		if (k->value == VNICD_FAULT_DIE)
			continue;
		snprintf(params, sizeof(params), "p,%s,1,0", k->name);
		CU_ASSERT_TRUE(answers("/vnicd/port/fault", params,
				       k->value == VNICD_FAULT_ANNOUNCE ? "not supported" : "done"));
	}
	end();
}

/* ---- the way to the loop ------------------------------------------------------------ */
static struct vnicd_control *control;

static json_t *
on_loop(struct vnicd_switch *s, const char *params)
{
	if (strcmp(params, "nothing") == 0)
		return NULL;
	if (strcmp(params, "end") == 0)
		vnicd_loop_stop(s->loop);
	return json_string(params);
}

static int rcs[3];
static json_t *got[3];

static void *
ask(void *arg)
{
	rcs[0] = vnicd_control_ask(control, on_loop, "hello", &got[0]);
	rcs[1] = vnicd_control_ask(control, on_loop, "nothing", &got[1]);
	rcs[2] = vnicd_control_ask(control, on_loop, "end", &got[2]);
	return NULL;
}

static void
control__asks_the_loop(void)
{
	pthread_t t;

	begin("");
	CU_ASSERT_EQUAL_FATAL(vnicd_control_create(&control, &sw), 0);
	CU_ASSERT_EQUAL_FATAL(pthread_create(&t, NULL, ask, NULL), 0);
	vnicd_loop_run(loop);
	pthread_join(t, NULL);
	CU_ASSERT(rcs[0] == 0 && rcs[1] == -ENOMEM && rcs[2] == 0);
	CU_ASSERT_STRING_EQUAL(json_string_value(got[0]), "hello");
	CU_ASSERT_PTR_NULL(got[1]);
	json_decref(got[0]);
	json_decref(got[2]);
	vnicd_control_destroy(control);
	end();
}

static const struct test_case cases[] = {
	TEST_CASE(view__each_answers_anything),
	TEST_CASE(view__control),
	TEST_CASE(view__faults),
	TEST_CASE(view__every_fault),
	TEST_CASE(control__asks_the_loop),
};
TEST_MAIN("view", cases)
