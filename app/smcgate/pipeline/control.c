/* SPDX-License-Identifier: BSD-3-Clause */
/* Changing pipelines while they run: forwarding and ports. */
#include <errno.h>

#include "app/smcgate/pipeline/fwd.h"
#include "app/smcgate/pipeline/idle.h"
#include "app/smcgate/pipeline/lcore.h"
#include "app/smcgate/pipeline/pipeline_impl.h"

/* ---- forwarding ---- */

static int worker_set_mode(struct lcore *lc, void *arg)
{
	lc->fwd = fwd_mode(*(enum config_forward *)arg);
	return 0;
}

static int worker_set_running(struct lcore *lc, void *arg)
{
	lc->running = *(bool *)arg;
	idle_queues_changed(lc);
	return 0;
}

static int worker_set_burst(struct lcore *lc, void *arg)
{
	lc->burst = *(uint16_t *)arg;
	return 0;
}

enum config_forward pipeline_fwd(const struct pipeline *pl)
{
	return pl->fwd;
}

bool pipeline_forwarding(const struct pipeline *pl)
{
	return pl->forwarding;
}

unsigned pipeline_burst(const struct pipeline *pl)
{
	return pl->burst;
}

int pipeline_set_fwd(struct pipeline *pl, enum config_forward mode)
{
	int rc;

	if ((unsigned)mode >= CONFIG_FWD_MODES)
		return -EINVAL;
	pipeline_lock(pl);
	rc = pipeline_call_each(pl, worker_set_mode, &mode, sizeof(mode));
	if (rc == 0)
		pl->fwd = mode;
	pipeline_unlock(pl);
	return rc;
}

static int set_running(struct pipeline *pl, bool on)
{
	int rc = -EALREADY;

	pipeline_lock(pl);
	if (pl->forwarding != on)
		rc = pipeline_call_each(pl, worker_set_running, &on, sizeof(on));
	if (rc == 0)
		pl->forwarding = on;
	pipeline_unlock(pl);
	return rc;
}

int pipeline_fwd_start(struct pipeline *pl)
{
	return set_running(pl, true);
}

int pipeline_fwd_stop(struct pipeline *pl)
{
	return set_running(pl, false);
}

int pipeline_set_burst(struct pipeline *pl, unsigned burst)
{
	uint16_t b = (uint16_t)burst;
	int rc;

	if (burst == 0 || burst > PIPELINE_BURST_MAX)
		return -EINVAL;
	pipeline_lock(pl);
	rc = pipeline_call_each(pl, worker_set_burst, &b, sizeof(b));
	if (rc == 0)
		pl->burst = burst;
	pipeline_unlock(pl);
	return rc;
}
