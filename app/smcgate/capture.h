/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packet capture into a pcapng file: callbacks on the ports' queues copy what
 * the pipelines receive and send into buffers of a pool of the capture's own;
 * a thread of its own writes them. One capture at a time. Files come only into
 * the directory of the configuration, never over an existing one.
 *
 * Start, stop and destroy on the main lcore; capture_info() from any thread.
 */
#ifndef SMCGATE_CAPTURE_H
#define SMCGATE_CAPTURE_H

#include "app/smcgate/pipeline/pipeline.h"

#define CAPTURE_FILE_LEN 128      /* terminator included */

struct capture;

enum capture_state {
	CAPTURE_IDLE,     /* none was started, or it was stopped */
	CAPTURE_RUNNING,
	CAPTURE_FULL,     /* max_bytes reached: what comes now is not kept */
	CAPTURE_FAILED,   /* the file could not be written */
	CAPTURE_STATES
};
extern const char *const capture_state_names[CAPTURE_STATES];

/* Of the running capture, or the last one. */
struct capture_info {
	enum capture_state state;
	char file[CAPTURE_FILE_LEN];
	char ports[64];                /* "all", or the port's name */
	uint32_t snap_length;
	uint64_t packets, bytes;       /* written */
	uint64_t max_bytes;
	uint64_t dropped;              /* not written: no buffer, ring full, file full */
	char error[64];                /* why it failed, "" */
};

int capture_create(struct capture **out, struct pipeline *pl);
/* Stops first. NULL is allowed. */
void capture_destroy(struct capture *cap);

/*
 * Whether a file may be called so: letters, digits, "_-." only, beginning with
 * a letter or digit, shorter than CAPTURE_FILE_LEN.
 */
bool capture_name_ok(const char *file);

/*
 * Capture ports from..to-1 with at most snap_length octets of each packet (0:
 * the configuration's). why (256 octets) gets one line on failure: -EPERM (no
 * directory configured), -EINVAL (name), -EALREADY, -EEXIST and others of
 * open(), -ENOMEM, -ENODEV.
 */
int capture_start(struct capture *cap, const char *file, unsigned from, unsigned to, uint32_t snap_length,
		  char *why);
/* Write what was caught, close the file. -EALREADY: none runs. */
int capture_stop(struct capture *cap);
/* Whether it has callbacks on the port, which then cannot be closed or reset. */
bool capture_uses(const struct capture *cap, unsigned port);
void capture_info(const struct capture *cap, struct capture_info *out);

#endif
