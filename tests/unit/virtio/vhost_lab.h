/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vhost-user front end (vnic_vhost_ops) and a back end that is a thread of the test:
 * it answers as a good one would, but for one request, which it answers as told.
 */
#ifndef TESTS_VHOST_LAB_H
#define TESTS_VHOST_LAB_H

#include "pmd/virtio/vhost.h"
#include "pmd/virtio/vq.h"

/* What is done about the request that is singled out. */
enum vhost_lab_deed {
	LAB_GOOD,
	LAB_DIE,          /* close the connection instead of answering */
	LAB_SILENT,       /* no answer, and none after it */
	LAB_VALUE,        /* the answer's first 64 bits are value */
	LAB_REQUEST,      /* answer to another request */
	LAB_VERSION,      /* of another version */
	LAB_NO_REPLY_BIT,
	LAB_SHORT,        /* a payload 4 octets short */
	LAB_LONG,         /* 8 octets too many */
	LAB_HUGE,         /* says it has 4 GiB */
	LAB_FD,           /* a descriptor nobody asked for */
	LAB_MANY_FDS,     /* more than fit */
	LAB_NO_FD,        /* none where there has to be one */
	LAB_HALF,         /* half of the header, then nothing */
	LAB_EMPTY,        /* no payload */
	LAB_WHEN_MORE,    /* a good one, after more requests have come; none, if they do not */
};

struct vhost_lab_opts {
	bool server;                /* the front end listens */
	uint64_t features, protocol; /* 0: the usual ones */
	uint32_t request;           /* singled out; 0: none */
	unsigned skip;              /* so many of them are answered well before */
	enum vhost_lab_deed deed;
	uint64_t value;
	uint64_t pairs;             /* GET_QUEUE_NUM; 0: 4 */
	uint64_t slots;             /* GET_MAX_MEM_SLOTS; 0: 8 */
	const struct vnic_config *config; /* NULL: each octet is its offset */
};

#define VHOST_LAB_LOG 256
struct vhost_lab_message {
	uint32_t request, flags, size;
	unsigned n_fds;
	union vhost_user_payload p;
};

struct vhost_lab {
	struct vhost_lab_opts opts;
	struct vnic_dev dev;
	struct vnic_vq vq[4];
	pthread_t thread;
	int listener, conn, channel, stop[2];
	unsigned seen;              /* of opts.request */
	bool silent;                /* no answer is going to come any more */
	uint8_t status;
	unsigned n;                 /* messages in log */
	struct vhost_lab_message log[VHOST_LAB_LOG];
	unsigned fds_before;
};

void vhost_lab_open(struct vhost_lab *lab, const struct vhost_lab_opts *opts);
/* Closes the device as well; checks that every descriptor is closed. */
void vhost_lab_close(struct vhost_lab *lab);
/* The whole of a start: open, features, memory, rings, DRIVER_OK. 0 or the first error; *at names the step. */
int vhost_lab_start(struct vhost_lab *lab, const char **at);
/* The nth message of this kind that the back end got, NULL. */
const struct vhost_lab_message *vhost_lab_got(const struct vhost_lab *lab, uint32_t request, unsigned nth);
/* From the back end's channel. */
void vhost_lab_say(struct vhost_lab *lab, uint32_t request, uint32_t flags, uint32_t size);
/* Drop the connection from the back end's side; another one may be made. */
void vhost_lab_hang_up(struct vhost_lab *lab);
unsigned vhost_lab_open_fds(void);

#endif
