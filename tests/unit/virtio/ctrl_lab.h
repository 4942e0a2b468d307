/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A control queue (pmd/virtio/ctrl.h) and the device at its other end, played by
 * the test: it fetches commands when it likes and answers them in any order.
 */
#ifndef TESTS_CTRL_LAB_H
#define TESTS_CTRL_LAB_H

#include "pmd/virtio/ctrl_private.h"

struct ctrl_lab_opts {
	const char *name;
	uint16_t size;
	bool packed, indirect, in_order, event_idx;
};

/* Every kind of ring. */
extern const struct ctrl_lab_opts ctrl_lab_rings[];
extern const unsigned ctrl_lab_ring_count;

struct ctrl_lab {
	struct ctrl_lab_opts opts;
	struct vnic_dev dev;
	struct vnic_ctrl *c;
	unsigned doorbells;
	/* the device's positions */
	uint16_t avail, used;
	bool avail_wrap, used_wrap;
};

/* A command as the device sees it. */
struct ctrl_lab_cmd {
	uint16_t id, descs;
	uint8_t class, cmd;
	uint8_t data[CTRL_BIG];
	size_t len;
	uint8_t *ack, *result;
	size_t result_len;
};

void ctrl_lab_open(struct ctrl_lab *lab, const struct ctrl_lab_opts *opts);
/* Destroys the control queue too, unless it is gone. Checks that no memory is left. */
void ctrl_lab_close(struct ctrl_lab *lab);
/* The device forgets everything: beside vnic_ctrl_reset(). */
void ctrl_lab_rewind(struct ctrl_lab *lab);

/* Take the next command off the ring, checking its framing. False: there is none. */
bool ctrl_lab_fetch(struct ctrl_lab *lab, struct ctrl_lab_cmd *cmd);
/* Write ack and result (may be NULL), then a used entry that claims len octets. */
void ctrl_lab_answer(struct ctrl_lab *lab, const struct ctrl_lab_cmd *cmd, uint8_t ack, const void *result,
		     uint32_t len);
/* A used entry for any id, going on by descs descriptors (packed). */
void ctrl_lab_used(struct ctrl_lab *lab, uint16_t id, uint16_t descs, uint32_t len);

/* What a callback was told. */
struct ctrl_lab_result {
	unsigned calls;
	int rc;
	uint8_t data[64];
	size_t len;
};
void ctrl_lab_done(void *arg, int rc, const void *result, size_t len);

/* Virtual time, ns; in use from ctrl_lab_open() until ctrl_lab_real_time(). */
extern uint64_t ctrl_lab_clock;
void ctrl_lab_real_time(void);

#endif
