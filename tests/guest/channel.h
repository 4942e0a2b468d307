/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command channel between host and guest: virtio-serial ports, each of which
 * carries one command at a time. The host (gexec) sends a request, the command and
 * its standard input; the guest (guestd) answers with frames, the last of which
 * has the exit status. Both ends are the same machine: host byte order.
 */
#ifndef GUEST_CHANNEL_H
#define GUEST_CHANNEL_H

#include <stdint.h>

#define CHANNEL_REQUEST 0x51434d53u /* "SMCQ" */
#define CHANNEL_FRAME 0x52434d53u   /* "SMCR" */
#define CHANNEL_COMMAND_MAX (1u << 20)
#define CHANNEL_INPUT_MAX (64u << 20)

struct channel_request {
	uint32_t magic;
	uint32_t id;          /* repeated in every frame of the answer */
	uint32_t timeout_s;   /* then the command's process group is killed: status 124 */
	uint32_t command_len; /* octets of shell command that follow */
	uint32_t input_len;   /* octets of standard input after it */
};

enum channel_kind {
	CHANNEL_OUT = 1, /* standard output */
	CHANNEL_ERR = 2, /* standard error */
	CHANNEL_STATUS = 3, /* int32_t exit status, the last frame */
};

struct channel_frame {
	uint32_t magic;
	uint32_t id;
	uint32_t kind;
	uint32_t len; /* octets that follow */
};

#endif
