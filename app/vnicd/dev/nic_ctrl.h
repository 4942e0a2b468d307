/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control queue, device side (virtio 1.2, 5.1.6.5), in three steps so that a
 * caller may delay, reorder or spoil answers: take a command, run it, answer.
 * vnicd_nic_ctrl() does all three at once. Same thread as the device's.
 */
#ifndef VNICD_NIC_CTRL_H
#define VNICD_NIC_CTRL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "app/vnicd/dev/nic.h"

#define VNICD_CTRL_MAX 32768u

struct vnicd_ctrl_cmd {
	struct vnicd_chain chain;
	struct iovec iov[VNICD_CHAIN_MAX];  /* of the chain */
	uint32_t len;                       /* of data: class, command, and what it is about */
	uint32_t result_len;                /* behind the acknowledgement */
	uint8_t ack;                        /* VIRTIO_NET_OK, VIRTIO_NET_ERR */
	uint8_t data[VNICD_CTRL_MAX];
	uint8_t result[VNICD_CTRL_MAX];
};

/* The next command, copied out of the driver's memory: 1, 0 none, -EPROTO. */
int vnicd_ctrl_take(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd);
/* Do what it says: sets ack and result, counts. */
void vnicd_ctrl_run(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd);
/* Write ack and result, and give the chain back; flush tells the driver. Nothing
 * when the ring no longer runs. */
void vnicd_ctrl_answer(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd);

/*
 * What a command does: data is what follows class and command, of a length
 * that fits. False: refused, nothing was changed.
 */
typedef bool (*vnicd_ctrl_fn)(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);

/* nic_ctrl_filter.c */
bool vnicd_ctrl_rx_mode(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
bool vnicd_ctrl_mac_table(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
bool vnicd_ctrl_mac_addr(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
bool vnicd_ctrl_vlan(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
/* nic_ctrl_steer.c */
bool vnicd_ctrl_pairs(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
bool vnicd_ctrl_rss(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
bool vnicd_ctrl_hash(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
bool vnicd_ctrl_offloads(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
bool vnicd_ctrl_announce(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
/* nic_coal.c */
bool vnicd_ctrl_coal_all(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
bool vnicd_ctrl_coal_set(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
bool vnicd_ctrl_coal_get(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
/* nic_ctrl_stats.c */
bool vnicd_ctrl_stats_query(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);
bool vnicd_ctrl_stats_get(struct vnicd_nic *nic, struct vnicd_ctrl_cmd *cmd, const uint8_t *data, uint32_t len);

#endif
