/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/unit/virtio/scripted.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_common.h>

#include "app/vnicd/dev/iov.h"

struct vnicd_nic_conf scripted_conf(uint16_t pairs)
{
#define B(f) VIRTIO_BIT(VIRTIO_NET_F_##f)
#define R(f) VIRTIO_BIT(VIRTIO_F_##f)
	return (struct vnicd_nic_conf){
		.features = B(CSUM) | B(GUEST_CSUM) | B(CTRL_GUEST_OFFLOADS) | B(MTU) | B(MAC) | B(GUEST_TSO4) |
			    B(GUEST_TSO6) | B(GUEST_ECN) | B(HOST_TSO4) | B(HOST_TSO6) | B(HOST_ECN) |
			    B(MRG_RXBUF) | B(STATUS) | B(CTRL_VQ) | B(CTRL_RX) | B(CTRL_VLAN) | B(CTRL_RX_EXTRA) |
			    B(GUEST_ANNOUNCE) | B(MQ) | B(CTRL_MAC_ADDR) | B(HASH_REPORT) | B(RSS) |
			    B(SPEED_DUPLEX) | B(DEVICE_STATS) | B(NOTF_COAL) | B(VQ_NOTF_COAL) |
			    R(INDIRECT_DESC) | R(EVENT_IDX) | R(RING_PACKED) | R(IN_ORDER) |
			    R(RING_RESET),
		.pairs = pairs, .queue_size = 256, .mtu = 1500, .speed = 10000,
		.mac = { { 0x02, 0, 0, 0, 0x5c, 1 } },
	};
#undef B
#undef R
}

static void called(struct vnicd_nic *nic, uint16_t vq)
{
	struct scripted *s = nic->owner;
	uint64_t one = 1;

	s->calls[vq]++;
	if (write(s->fd[vq], &one, sizeof(one)) != sizeof(one))
		perror("eventfd");
}

struct scripted *scripted_create(const struct vnicd_nic_conf *conf)
{
	struct vnicd_nic_conf usual = scripted_conf(1);
	struct scripted *s = calloc(1, sizeof(*s));

	if (s == NULL || vnicd_nic_init(&s->nic, conf != NULL ? conf : &usual) != 0) {
		fprintf(stderr, "the scripted device does not start\n");
		abort();
	}
	s->nic.memory.identity = true;
	s->nic.call = called;
	s->nic.owner = s;
	s->flags = SCRIPTED_FLAGS;
	s->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (unsigned i = 0; i < SCRIPTED_QUEUES; i++)
		s->fd[i] = i < vnicd_nic_queues(&s->nic) ? eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
	return s;
}

void scripted_destroy(struct scripted *s)
{
	for (unsigned i = 0; i < SCRIPTED_QUEUES; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	close(s->event_fd);
	vnicd_nic_fini(&s->nic);
	free(s);
}

/* ---- packets ---------------------------------------------------------------------------- */
int scripted_take(struct scripted *s, uint16_t pair, struct vnic_net_hdr *hdr, void *buf, uint32_t max)
{
	static struct iovec iov[VNICD_CHAIN_MAX];
	struct vnicd_frame f;
	struct vnicd_cursor at;
	int rc = vnicd_nic_take(&s->nic, pair, &f, iov, VNICD_CHAIN_MAX);

	if (rc <= 0)
		return rc;
	at = vnicd_cursor(f.iov, f.n);
	vnicd_cursor_read(&at, buf, RTE_MIN(f.len, max));
	if (hdr != NULL)
		*hdr = f.hdr;
	vnicd_nic_taken(&s->nic, pair);
	return (int)f.len;
}

/* One chain of a ring, as it lies there. */
static int ring_take(struct scripted *s, uint16_t vq, struct vnicd_chain *c, struct iovec *iov)
{
	return vnicd_ring_next(&s->nic.queue[vq].ring, c, iov, VNICD_CHAIN_MAX);
}

static void ring_give(struct scripted *s, uint16_t vq, const struct vnicd_chain *c, uint32_t len)
{
	struct vnicd_ring *r = &s->nic.queue[vq].ring;

	vnicd_ring_used(r, c, len);
	vnicd_ring_publish(r);
	if (vnicd_ring_should_call(r))
		called(&s->nic, vq);
}

int scripted_take_raw(struct scripted *s, uint16_t pair, void *buf, uint32_t max)
{
	static struct iovec iov[VNICD_CHAIN_MAX];
	struct vnicd_chain c;
	struct vnicd_cursor at;
	int rc = ring_take(s, virtio_txq_index(pair), &c, iov);

	if (rc <= 0)
		return rc;
	at = vnicd_cursor(iov, c.n_out);
	vnicd_cursor_read(&at, buf, RTE_MIN(c.out_len, max));
	ring_give(s, virtio_txq_index(pair), &c, 0);
	return (int)c.out_len;
}

int scripted_give(struct scripted *s, int queue, const struct vnic_net_hdr *hdr, const void *data, uint32_t len)
{
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct vnicd_frame f = { .len = len, .n = 1, .iov = &iov };

	if (hdr != NULL)
		f.hdr = *hdr;
	return vnicd_nic_give(&s->nic, queue, &f);
}

int scripted_give_raw(struct scripted *s, uint16_t queue, const void *octets, uint32_t len, uint32_t used_len)
{
	static struct iovec iov[VNICD_CHAIN_MAX];
	struct vnicd_chain c;
	struct vnicd_cursor at;

	if (ring_take(s, virtio_rxq_index(queue), &c, iov) <= 0)
		return -ENOBUFS;
	at = vnicd_cursor(iov + c.n_out, c.n_in);
	vnicd_cursor_write(&at, octets, len);
	ring_give(s, virtio_rxq_index(queue), &c, used_len);
	return 0;
}

uint16_t scripted_waiting(const struct scripted *s, uint16_t vq)
{
	return vnicd_ring_waiting(&s->nic.queue[vq].ring);
}

void scripted_flush(struct scripted *s)
{
	uint16_t n = (uint16_t)(2 * s->nic.conf.pairs);

	vnicd_nic_flush(&s->nic);
	/* Asleep until the next doorbell; the control queue's ring may be another thread's. */
	for (uint16_t vq = 0; vq < n; vq++)
		if (vq != vnicd_nic_ctrl_vq(&s->nic) || vq == 0)
			vnicd_ring_want_kick(&s->nic.queue[vq].ring, !s->busy);
}

unsigned scripted_step(struct scripted *s, bool echo)
{
	static struct iovec iov[VNICD_CHAIN_MAX];
	struct vnicd_frame f;
	unsigned n = 0;

	if (!s->ctrl_manual)
		scripted_ctrl_serve(s);
	for (uint16_t pair = 0; pair < s->nic.conf.pairs; pair++) {
		while (vnicd_nic_take(&s->nic, pair, &f, iov, VNICD_CHAIN_MAX) == 1) {
			if (echo)
				vnicd_nic_give(&s->nic, pair, &f);
			vnicd_nic_taken(&s->nic, pair);
			n++;
		}
	}
	scripted_flush(s);
	return n;
}

/* ---- control commands ------------------------------------------------------------------- */
struct vnicd_ctrl_cmd *scripted_ctrl_take(struct scripted *s)
{
	struct vnicd_ctrl_cmd *cmd = malloc(sizeof(*cmd));

	if (cmd == NULL || vnicd_ctrl_take(&s->nic, cmd) <= 0) {
		free(cmd);
		return NULL;
	}
	s->ctrl_seen++;
	s->last_class = cmd->len > 0 ? cmd->data[0] : 0xff;
	s->last_cmd = cmd->len > 1 ? cmd->data[1] : 0xff;
	return cmd;
}

/* Only this ring is touched: the command may come from another thread than the packets. */
static void ctrl_give(struct scripted *s, struct vnicd_ctrl_cmd *cmd, uint32_t used_len)
{
	ring_give(s, vnicd_nic_ctrl_vq(&s->nic), &cmd->chain, used_len);
	free(cmd);
}

void scripted_ctrl_answer(struct scripted *s, struct vnicd_ctrl_cmd *cmd, bool run, uint8_t ack)
{
	struct vnicd_cursor at = vnicd_cursor(cmd->iov + cmd->chain.n_out, cmd->chain.n_in);
	size_t n;

	if (run)
		vnicd_ctrl_run(&s->nic, cmd);
	else
		cmd->ack = ack;
	n = vnicd_cursor_write(&at, &cmd->ack, 1);
	n += vnicd_cursor_write(&at, cmd->result, cmd->result_len);
	ctrl_give(s, cmd, (uint32_t)n);
}

void scripted_ctrl_garbage(struct scripted *s, struct vnicd_ctrl_cmd *cmd, const void *octets, uint32_t len,
			   uint32_t used_len)
{
	struct vnicd_cursor at = vnicd_cursor(cmd->iov + cmd->chain.n_out, cmd->chain.n_in);

	vnicd_cursor_write(&at, octets, len);
	ctrl_give(s, cmd, used_len);
}

void scripted_ctrl_serve(struct scripted *s)
{
	struct vnicd_ring *r = &s->nic.queue[vnicd_nic_ctrl_vq(&s->nic)].ring;
	struct vnicd_ctrl_cmd *cmd;

	do {
		while ((cmd = scripted_ctrl_take(s)) != NULL) {
			if (s->ctrl_silent)
				free(cmd);
			else
				scripted_ctrl_answer(s, cmd, s->ctrl_ack == 0, s->ctrl_ack);
		}
	} while (vnicd_nic_ctrl_vq(&s->nic) != 0 && vnicd_ring_want_kick(r, true));
}

/* ---- coming and going --------------------------------------------------------------------- */
static void event(struct scripted *s)
{
	uint64_t one = 1;

	if (write(s->event_fd, &one, sizeof(one)) != sizeof(one))
		perror("eventfd");
}

void scripted_config_changed(struct scripted *s)
{
	s->config_due = true;
	event(s);
}

void scripted_die(struct scripted *s)
{
	for (unsigned i = 0; i < SCRIPTED_QUEUES; i++)
		vnicd_ring_stop(&s->nic.queue[i].ring);
	s->gone = true;
	event(s);
}

void scripted_return(struct scripted *s)
{
	vnicd_nic_reset(&s->nic);
	s->gone = false;
}
