/* SPDX-License-Identifier: BSD-3-Clause */
/* A vhost-user port: one device of app/vnicd/dev and its back end. */
#ifndef VNICD_VPORT_H
#define VNICD_VPORT_H

#include "app/vnicd/config/config.h"
#include "app/vnicd/dev/backend.h"
#include "app/vnicd/dev/ctrl_work.h"
#include "app/vnicd/port.h"

struct vnicd_vport {
	struct vnicd_port port; /* first: a port is cast to it */
	const struct vnicd_config_port *conf;
	struct vnicd_nic nic;
	struct vnicd_backend *backend;
	/* transmit rings that run, by pair: recomputed when the back end says so */
	uint16_t pair[VNICD_PAIRS_MAX];
	unsigned n_pairs;
	bool ctrl;              /* the control queue runs */
	/* receive rings that are waited for: buffers there have to be; some: there are such */
	bool some;
	uint16_t wanted[VNICD_PAIRS_MAX];
	struct vnicd_ctrl_work *work;
	struct vnicd_config_control control; /* in force */
	uint64_t ready_ns;      /* since when there are rings; 0: there are none */
	uint64_t event_at[VNICD_CONFIG_EVENTS];
	uint64_t errors;        /* rings stopped for what the driver wrote */
	char last_error[64];
};

/* conf stays the caller's and there. Errors of vnicd_backend_open(), -ENOMEM, -EINVAL. */
int vnicd_vport_create(struct vnicd_switch *sw, const struct vnicd_config_port *conf, unsigned number);

/* How the control queue is served from now on. -EINVAL. */
int vnicd_vport_set_control(struct vnicd_vport *v, const struct vnicd_config_control *c);

/* vport_fault.c: vnicd_port_ops' misbehave and behave. */
int vnicd_vport_misbehave(struct vnicd_port *p, enum vnicd_fault_kind kind, uint64_t value, unsigned queue);
void vnicd_vport_behave(struct vnicd_port *p);

/* vport_view.c. That in the form of the configuration, and all that telemetry tells of a port (p is one
 * of these); the caller's references. */
json_t *vnicd_vport_control(const struct vnicd_vport *v);
void vnicd_vport_describe(const struct vnicd_port *p, json_t *o);

/* The port as one of these, or NULL. */
struct vnicd_vport *vnicd_vport_of(struct vnicd_port *p);

/*
 * For uplinks, which read straight into a driver's buffers: the receive queue
 * that the packets of an uplink's queue go to, or -1 when that cannot be known
 * before they are read, or the port is not to be given packets so.
 */
int vnicd_vport_direct_queue(const struct vnicd_vport *v, unsigned uplink_queue);
/* Can the driver take a packet with this header as it is? */
bool vnicd_vport_takes(const struct vnicd_vport *v, const struct vnic_net_hdr *hdr);
/* Has the driver left so many buffers there, or as many as the ring has? */
bool vnicd_vport_has_room(const struct vnicd_vport *v, unsigned queue, uint16_t buffers);
/* Somebody waits until it has: do not sleep through that. Good for this turn of the loop. */
void vnicd_vport_wait_for_room(struct vnicd_vport *v, unsigned queue, uint16_t buffers);

#endif
