/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests of other threads (telemetry's) to the loop: what they ask is done
 * on the loop's thread while they wait, so that nothing the loop owns is ever
 * looked at from elsewhere.
 */
#ifndef VNICD_CONTROL_H
#define VNICD_CONTROL_H

#include <jansson.h>

#include "app/vnicd/switch.h"

struct vnicd_control;

/* The answer, the asker's reference. On the loop's thread. */
typedef json_t *(*vnicd_control_fn)(struct vnicd_switch *sw, const char *params);

/* Loop's thread. -errno. */
int vnicd_control_create(struct vnicd_control **out, struct vnicd_switch *sw);
/* Whoever still asks gets -ESHUTDOWN. */
void vnicd_control_destroy(struct vnicd_control *c);

/* Any other thread, one at a time each; waits for the loop, 5 s at most (-ETIMEDOUT). *from: the row
 * asked for by a last parameter "from=N". */
int vnicd_control_ask(struct vnicd_control *c, vnicd_control_fn fn, const char *params, json_t **out);

/* ---- what can be asked: view.c --------------------------------------------------------- */
struct vnicd_view {
	const char *path, *help;
	vnicd_control_fn fn;
};
extern const struct vnicd_view vnicd_views[]; /* ends with a NULL path */

/* Register them with DPDK's telemetry, once a process. c NULL: there is nobody to ask any more. */
int vnicd_telemetry_start(struct vnicd_control *c);
void vnicd_telemetry_stop(void);

#endif
