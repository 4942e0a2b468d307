/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fake of pipeline.h with fixed figures: two workers (lcores 2 and 5), two
 * ports "left" and "right" on net_null devices, one service, sockets. What is
 * changed is noted as one line of text, so that tests can say what a command
 * did.
 */
#ifndef TESTS_CONSOLE_FAKE_H
#define TESTS_CONSOLE_FAKE_H

#include "app/smcgate/pipeline/pipeline.h"

struct fake {
	char did[256];          /* the last change: "port_start 0" */
	int rc;                 /* returned by changes and by questions to workers; 0 */
	unsigned sockets;       /* of each worker */
	unsigned neighbours;
	bool no_smc;            /* no RDMA device: SMC is not spoken */
	bool wait_for_cancel;   /* questions to workers wait until they are cancelled */
	enum pipeline_port_state state[2];
	bool queue_stopped;     /* receive queue 0 */
	bool broken;            /* a control command was not answered */
	int slow_fd[2];         /* each port's reset waits for its device, until this is readable; -1: it does not */
	unsigned waiting;       /* commands that wait so; atomic */
	struct pipeline_busy busy; /* of any port and services; what "": nothing */
	int device_rc;          /* of asking a device for its coalescing */
	int known_rc;           /* of what is known of it */
	enum vnic_reset_how how;
	enum pipeline_offload_when offload_when;
	struct pipeline_reset_report report; /* of a port's reset */
};
extern struct fake fake;

/* Starts EAL and the ports; socket is console.socket, capture_dir
 * capture.directory ("": none). */
struct pipeline *fake_start(const char *socket, const char *capture_dir);
void fake_stop(struct pipeline *pl);
/* Ethdev's number of a port. */
uint16_t fake_ethdev(unsigned port);

#endif
