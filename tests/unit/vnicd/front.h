/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A scripted vhost-user front end and the back end it talks to, in one
 * process: what the front end sends is served when front_pump() is called.
 */
#ifndef TESTS_VNICD_FRONT_H
#define TESTS_VNICD_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/vnicd/dev/backend.h"

#define FRONT_PAIRS    4
#define FRONT_FEATURES                                                                                       \
	(VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_F_RING_PACKED) | VIRTIO_BIT(VIRTIO_F_IN_ORDER) | \
	 VIRTIO_BIT(VIRTIO_F_EVENT_IDX) | VIRTIO_BIT(VIRTIO_F_INDIRECT_DESC) |                                \
	 VIRTIO_BIT(VIRTIO_NET_F_MAC) | VIRTIO_BIT(VIRTIO_NET_F_STATUS) | VIRTIO_BIT(VIRTIO_NET_F_MTU) |      \
	 VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) | VIRTIO_BIT(VIRTIO_NET_F_MQ) | VIRTIO_BIT(VIRTIO_NET_F_CSUM) |    \
	 VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_VLAN) |                              \
	 VIRTIO_BIT(VIRTIO_NET_F_MRG_RXBUF))
#define FRONT_BIT30 VIRTIO_BIT(VHOST_USER_F_PROTOCOL_FEATURES)

struct front {
	struct vnicd_nic nic;
	struct vnicd_backend *b;
	struct vnicd_backend_ops ops;
	int sock;           /* -1: not connected */
	char path[64];
	int watched[300];
	unsigned n_watched, changes, rarps;
	unsigned broken;    /* rings that were told to be */
	uint16_t last_broken;
	bool refuse_watch;  /* the loop cannot take one more descriptor */
	uint64_t now;
};

struct front_reply {
	struct vhost_user_header h;
	union vhost_user_payload p;
	unsigned n_fds;
};

/* Device and back end; server: the back end listens. Nobody is connected. */
void front_open(struct front *f, bool server);
void front_open_with(struct front *f, bool server, const struct vnicd_nic_conf *conf);
void front_close(struct front *f);
/* Connect to a back end that listens, and let it accept. */
void front_connect(struct front *f);
/* Hang up, and let it see that. */
void front_hang_up(struct front *f);
/* The loop of the back end until nothing is readable. */
void front_pump(struct front *f);

/* One message, with descriptors, that stay the caller's. Nothing is read. */
void front_send(struct front *f, uint32_t request, uint32_t flags, const void *payload, uint32_t len,
		const int *fds, unsigned n_fds);
/* Read a reply that is there: 1; 0: none; -1: the connection is closed. */
int front_receive(struct front *f, struct front_reply *r);
/* Send and serve; what came back. */
int front_get(struct front *f, uint32_t request, const void *payload, uint32_t len, struct front_reply *r);
/* Send with need_reply and serve: the answer, 0 for success; -1: closed; -2: none. */
int front_set(struct front *f, uint32_t request, const void *payload, uint32_t len, const int *fds,
	      unsigned n_fds);
int front_set_u64(struct front *f, uint32_t request, uint64_t value);
int front_set_state(struct front *f, uint32_t request, uint32_t index, uint32_t num);
int front_set_fd(struct front *f, uint32_t request, uint64_t index, int fd);
/* SET_OWNER, protocol features, SET_FEATURES; fails the test when refused. */
void front_handshake(struct front *f, uint64_t protocol, uint64_t features);
/* Every protocol feature that is offered. */
uint64_t front_protocol(struct front *f);
const char *front_last_refusal(const struct front *f);
uint64_t front_refused(const struct front *f);

/* Open descriptors of this process. */
unsigned front_count_fds(void);
/* A file of len octets of memory. */
int front_file(uint64_t len);

#endif
