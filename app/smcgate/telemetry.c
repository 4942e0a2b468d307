/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The views under /smcgate/ in DPDK's telemetry: `show port stats N` is
 * /smcgate/port/stats,N. Callbacks come on threads of telemetry's, several at
 * once; a lock lets one build at a time, but for those that wait for a device. telemetry_stop()
 * ends their waiting and returns when none builds any more.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_telemetry.h>

#include "app/common/teljson.h"
#include "app/smcgate/telemetry.h"
#include "app/smcgate/view/view.h"
#include "pmd/base/log.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t built = PTHREAD_COND_INITIALIZER;
static unsigned building;     /* requests that use ctx.pl */
static int end_fd = -1;       /* readable when the program ends */
static struct view_ctx ctx; /* pl NULL: the console does not run */
static struct view_lcore_last last[CONFIG_MAX_LCORES];
static bool registered;

/* ---- requests ------------------------------------------------------------------------------- */
#define PARAMS_MAX 1024

struct request {
	char text[PARAMS_MAX];
	const char *argv[VIEW_ARGS_MAX + 1];
	unsigned argc;
	size_t from;
};

/* Cut "from=N" off the end. */
static int take_from(struct request *r, struct view_error *err)
{
	char *comma = strrchr(r->text, ','), *word = comma != NULL ? comma + 1 : r->text;
	uint64_t v;
	int rc;

	if (strncmp(word, "from=", 5) != 0)
		return 0;
	rc = view_number(word + 5, "from", 0, UINT32_MAX, &v, err);
	r->from = (size_t)v;
	*(comma != NULL ? comma : word) = '\0';
	return rc;
}

/* Arguments are apart by commas; one that is the rest of the line has them inside. */
static int split(const struct view *v, const char *params, struct request *r, struct view_error *err)
{
	char *save = NULL;
	int rc;

	memset(r, 0, sizeof(*r));
	if (params == NULL)
		return 0;
	if ((size_t)snprintf(r->text, sizeof(r->text), "%s", params) >= sizeof(r->text))
		return view_fail(err, -E2BIG, "the arguments are longer than %d", PARAMS_MAX - 1);
	rc = take_from(r, err);
	if (rc < 0)
		return rc;
	if (v->args[0].kind == VIEW_ARG_REST) {
		if (r->text[0] != '\0')
			r->argv[r->argc++] = r->text;
		return 0;
	}
	for (char *w = strtok_r(r->text, ",", &save); w != NULL; w = strtok_r(NULL, ",", &save))
		if (r->argc <= VIEW_ARGS_MAX)
			r->argv[r->argc++] = w;
	return 0;
}

/* "port/stats" is the view "port stats". */
static const struct view *view_of(const char *cmd)
{
	char words[64];

	snprintf(words, sizeof(words), "%s", cmd);
	for (char *p = words; *p != '\0'; p++)
		if (*p == '/')
			*p = ' ';
	return view_find(words);
}

/* Others go on while this one waits for a device. */
static void wait_begin(void *arg)
{
	pthread_mutex_unlock(&lock);
}

static void wait_end(void *arg)
{
	pthread_mutex_lock(&lock);
}

static int build_view(const struct view *v, const struct request *r, json_t **out, struct view_error *err)
{
	const struct pipeline_waiter waiter = { .cancel_fd = end_fd, .begin = wait_begin, .end = wait_end };
	struct view_ctx mine = ctx;
	int rc;

	building++;
	pipeline_wait_as(&waiter);
	rc = view_build(v, &mine, r->argc, r->argv, out, err);
	pipeline_wait_as(NULL);
	building--;
	pthread_cond_signal(&built);
	return rc;
}

static int build(const struct view *v, const char *params, json_t **out, struct view_error *err)
{
	struct request r;
	int rc;

	if (v == NULL)
		return view_fail(err, -ENOENT, "there is no such view");
	if (ctx.pl == NULL)
		return view_fail(err, -ESHUTDOWN, "the program begins or ends");
	rc = split(v, params, &r, err);
	if (rc == 0)
		rc = build_view(v, &r, out, err);
	if (rc == 0)
		teljson_page(*out, r.from);
	return rc == 0 ? (int)RTE_MIN(r.from, (size_t)INT32_MAX) : rc;
}

/* A fault is an answer too: {"error": "..."}. */
int telemetry_answer(const char *cmd, const char *params, struct rte_tel_data *d)
{
	struct view_error err = { "" };
	json_t *j = NULL;
	int rc;

	pthread_mutex_lock(&lock);
	rc = build(view_of(cmd), params, &j, &err);
	if (rc < 0)
		j = json_pack("{s:s}", "error", err.text[0] != '\0' ? err.text : strerror(-rc));
	rc = j != NULL ? teljson_fill(d, j, (size_t)RTE_MAX(rc, 0)) : -ENOMEM;
	json_decref(j);
	pthread_mutex_unlock(&lock);
	return rc;
}

static int on_request(const char *cmd, const char *params, struct rte_tel_data *d)
{
	return telemetry_answer(cmd + strlen(TELEMETRY_PREFIX), params, d);
}

static int register_all(void)
{
	char path[64], help[RTE_TEL_MAX_STRING_LEN];
	const struct view *v;
	int rc = 0;

	for (unsigned n = 0; (v = view_at(n)) != NULL && rc == 0; n++) {
		snprintf(path, sizeof(path), TELEMETRY_PREFIX "%s", v->words);
		for (char *p = path; *p != '\0'; p++)
			if (*p == ' ')
				*p = '/';
		snprintf(help, sizeof(help), "%s", v->help);
		rc = rte_telemetry_register_cmd(path, on_request, help);
	}
	return rc;
}

int telemetry_start(struct pipeline *pl, const struct capture *capture)
{
	int rc = 0;

	pthread_mutex_lock(&lock);
	if (end_fd < 0)
		end_fd = eventfd(0, EFD_CLOEXEC);
	ctx = (struct view_ctx){ .pl = pl, .capture = capture, .last = last };
	memset(last, 0, sizeof(last));
	pthread_mutex_unlock(&lock);
	if (!registered)
		rc = register_all();
	registered = true;
	if (rc < 0)
		telemetry_stop();
	return rc;
}

void telemetry_stop(void)
{
	uint64_t one = 1;

	pthread_mutex_lock(&lock);
	ctx.pl = NULL;
	if (end_fd >= 0 && write(end_fd, &one, sizeof(one)) < 0)
		LOG(CONSOLE, DEBUG, "telemetry's waits are not ended");
	while (building != 0)
		pthread_cond_wait(&built, &lock);
	if (end_fd >= 0)
		close(end_fd);
	end_fd = -1;
	pthread_mutex_unlock(&lock);
}
