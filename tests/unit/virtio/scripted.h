/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scripted device: a virtio network device in the same process, behind a
 * transport of its own. What it does it does when the test says so: packets
 * move by scripted_take() and scripted_give(), interrupts by scripted_flush().
 * Only control commands are served by themselves, at their doorbell (ctrl_manual: no longer).
 *
 *	s = scripted_create(&conf);
 *	scripted_attach(s, dev);           dev->ops, transport, transport_flags
 *	... vnic_vq_create(), dev->ops->queue_setup(), queue_enable(), or vnic_device_start() ...
 *	n = scripted_take(s, 0, &hdr, buf, sizeof(buf));
 *
 * Everything below "script" makes it misbehave; zero is an honest device. One thread.
 */
#ifndef TESTS_VIRTIO_SCRIPTED_H
#define TESTS_VIRTIO_SCRIPTED_H

#include <stdbool.h>
#include <stdint.h>

#include "app/vnicd/dev/nic.h"
#include "app/vnicd/dev/nic_ctrl.h"
#include "pmd/virtio/transport.h"

#define SCRIPTED_QUEUES   (2 * VNICD_PAIRS_MAX + 1)
#define SCRIPTED_FLAGS    (VNIC_TRANSPORT_CONFIG | VNIC_TRANSPORT_CTRL | VNIC_TRANSPORT_VA | \
			   VNIC_TRANSPORT_QUEUE_STOP | VNIC_TRANSPORT_RECONNECT | VNIC_TRANSPORT_RX_FD)

struct scripted {
	struct vnicd_nic nic;
	struct vnic_dev *dev;
	uint32_t flags;            /* VNIC_TRANSPORT_*; before scripted_attach() */

	/* what was seen */
	uint64_t opens, closes, setups, enables, queue_resets, status_resets, config_reads, shares;
	uint64_t kicks[SCRIPTED_QUEUES], calls[SCRIPTED_QUEUES];
	struct vnic_features acked;  /* as the driver wrote them last */
	uint8_t status_seen;         /* every bit ever written since the last reset */
	uint32_t config_bits;        /* octets of the configuration space that were read */
	uint64_t ctrl_seen;          /* commands taken */
	uint8_t last_class, last_cmd;
	int fd[SCRIPTED_QUEUES], event_fd;
	bool config_due;

	/* script: start */
	int open_rc, set_features_rc;
	uint64_t extra_features[2];  /* offered beside what the device can do */
	uint64_t hide_features;
	bool refuse_features;        /* FEATURES_OK reads back 0 */
	bool generation_moves;       /* every read of the configuration: -EAGAIN */
	struct {
		uint8_t off, len, data[16];
	} config_override;           /* len 0: none */
	unsigned fail_setup_at;      /* the n-th queue_setup() from now fails; 0: none */
	int fail_setup_rc;           /* 0: -EIO */
	unsigned fail_share_at;
	/* script: running */
	bool needs_reset;            /* in the status */
	bool all_ones;               /* removed: everything reads all ones */
	bool gone;                   /* every call: -ENODEV */
	bool reset_never;            /* queue_reset(): -ETIMEDOUT */
	bool no_queue_reset;         /* queue_reset(): -ENOTSUP */
	bool busy;                   /* wants no doorbells of packets, from the next flush on */
	/* script: control queue */
	bool ctrl_manual;            /* commands wait for scripted_ctrl_take() or scripted_ctrl_serve() */
	bool ctrl_silent;            /* taken, never answered */
	uint8_t ctrl_ack;            /* not 0: instead of OK */
	struct vnicd_coal coal_begins; /* what all queues have after a reset of the device */
};

extern const struct vnic_transport_ops scripted_ops;

/* Aborts the test program without memory. conf NULL: scripted_conf(1). */
struct scripted *scripted_create(const struct vnicd_nic_conf *conf);
void scripted_destroy(struct scripted *s);
/* Everything this device can do, for pairs pairs, both kinds of ring, queues of 256. */
struct vnicd_nic_conf scripted_conf(uint16_t pairs);
/* Set ops, transport and transport_flags of dev. */
void scripted_attach(struct scripted *s, struct vnic_dev *dev);

/* The next packet that the driver sends: its length, flat in buf (at most max octets),
 * hdr in host order (NULL: not wanted). 0: none; -EPROTO: the ring is stopped.
 * Bad headers are dropped by the device: s->nic.drop. */
int scripted_take(struct scripted *s, uint16_t pair, struct vnic_net_hdr *hdr, void *buf, uint32_t max);
/* The same without any check: what lies in the ring, header included. */
int scripted_take_raw(struct scripted *s, uint16_t pair, void *buf, uint32_t max);
/* A packet for the driver, by the rules; hdr NULL: no offload. 0 or why not. */
int scripted_give(struct scripted *s, int queue, const struct vnic_net_hdr *hdr, const void *data, uint32_t len);

/* Whatever a device might write into one receive buffer: octets from its start
 * (header included), and the length it claims. 0, -ENOBUFS. */
int scripted_give_raw(struct scripted *s, uint16_t queue, const void *octets, uint32_t len, uint32_t used_len);
/* Chains that the driver has posted and the device has not taken. */
uint16_t scripted_waiting(const struct scripted *s, uint16_t vq);

/* Publish and interrupt: what was taken or given becomes visible to the driver. */
void scripted_flush(struct scripted *s);
/* A turn of an honest device: commands, all packets taken and thrown away (echo: given back on the same pair), flush.
 * Returns the packets taken. */
unsigned scripted_step(struct scripted *s, bool echo);

/* ---- control commands by hand (ctrl_manual) --------------------------------------- */
/* Take the next command: a handle, NULL: none. */
struct vnicd_ctrl_cmd *scripted_ctrl_take(struct scripted *s);
/* Run and answer it, or answer with this ack only (run: false). Ends the handle; visible at once. */
void scripted_ctrl_answer(struct scripted *s, struct vnicd_ctrl_cmd *cmd, bool run, uint8_t ack);
/* Write these octets (the ack first) and claim used_len. Ends the handle. */
void scripted_ctrl_garbage(struct scripted *s, struct vnicd_ctrl_cmd *cmd, const void *octets, uint32_t len,
			   uint32_t used_len);
/* Everything that waits, honestly. */
void scripted_ctrl_serve(struct scripted *s);

/* The configuration changed: event() will say so. */
void scripted_config_changed(struct scripted *s);
/* The device goes away, as a back end that dies does: rings stop where they are. */
void scripted_die(struct scripted *s);
/* It is back, reset. */
void scripted_return(struct scripted *s);

#endif
