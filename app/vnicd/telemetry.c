/* SPDX-License-Identifier: BSD-3-Clause */
/* The views in DPDK's telemetry. Its callbacks come on threads of its own and
 * hand the question to the loop. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_telemetry.h>

#include "app/common/teljson.h"
#include "app/vnicd/control.h"

/* Read-locked by whoever asks: stop waits for them. */
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct vnicd_control *control;
static bool registered;

/* Cut "from=N" off the end of the parameters. */
static size_t
take_from(char *params)
{
	char *comma = strrchr(params, ','), *word = comma != NULL ? comma + 1 : params;
	size_t n;

	if (strncmp(word, "from=", 5) != 0)
		return 0;
	n = strtoul(word + 5, NULL, 10);
	*(comma != NULL ? comma : word) = '\0';
	return n;
}

static const struct vnicd_view *
view_of(const char *cmd)
{
	for (const struct vnicd_view *v = vnicd_views; v->path != NULL; v++) {
		if (strcmp(v->path, cmd) == 0)
			return v;
	}
	return NULL;
}

/* A fault is an answer, too: {"error": "..."}. */
static int
on_request(const char *cmd, const char *params, struct rte_tel_data *d)
{
	const struct vnicd_view *v = view_of(cmd);
	char text[256];
	json_t *answer = NULL;
	size_t from;
	int rc = -ESHUTDOWN;

	snprintf(text, sizeof(text), "%s", params != NULL ? params : "");
	from = take_from(text);
	pthread_rwlock_rdlock(&lock);
	if (control != NULL && v != NULL)
		rc = vnicd_control_ask(control, v->fn, text, &answer);
	pthread_rwlock_unlock(&lock);
	if (rc < 0)
		answer = json_pack("{s:s}", "error", strerror(-rc));
	else
		teljson_page(answer, from);
	rc = answer != NULL ? teljson_fill(d, answer, from) : -ENOMEM;
	json_decref(answer);
	return rc;
}

int
vnicd_telemetry_start(struct vnicd_control *c)
{
	int rc = 0;

	pthread_rwlock_wrlock(&lock);
	control = c;
	pthread_rwlock_unlock(&lock);
	for (const struct vnicd_view *v = vnicd_views; v->path != NULL && !registered && rc == 0; v++)
		rc = rte_telemetry_register_cmd(v->path, on_request, v->help);
	registered = true;
	return rc;
}

void
vnicd_telemetry_stop(void)
{
	pthread_rwlock_wrlock(&lock);
	control = NULL;
	pthread_rwlock_unlock(&lock);
}
