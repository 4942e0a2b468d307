/* SPDX-License-Identifier: BSD-3-Clause */
/* Notification coalescing, driver side, against the scripted device. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pmd/base/clock.h"
#include "pmd/virtio/coal_private.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/port_lab.h"

#define PER_QUEUE     VIRTIO_BIT(VIRTIO_NET_F_VQ_NOTF_COAL)
#define PER_DIRECTION VIRTIO_BIT(VIRTIO_NET_F_NOTF_COAL)

static const struct vnic_coal a = { .packets = 8, .usecs = 50 }, b = { .packets = 32, .usecs = 200 },
			      none = { .packets = 0, .usecs = 0 };

/* What a queue of the device does. */
static bool device_has(const struct port_lab *l, uint16_t vq, const struct vnic_coal *c)
{
	const struct vnicd_nic *nic = &l->s->nic;
	const struct vnicd_coal *at = nic->queue[vq].ring.marked ? &nic->queue[vq].coal :
				      vq % 2 == 0 ? &nic->coal_rx : &nic->coal_tx;

	return at->max_packets == c->packets && at->max_usecs == c->usecs;
}

static bool in_force(const struct port_lab *l, enum vnic_dir dir, uint16_t queue, const struct vnic_coal *c)
{
	struct vnic_coal got;

	return vnic_coal_get(l->port, dir, queue, false, &got) == 0 && got.packets == c->packets &&
	       got.usecs == c->usecs;
}

static bool state_is(const struct port_lab *l, uint16_t queue, enum vnic_coal_state state)
{
	return TEST_SOON(vnic_coal_state(l->port, queue) == state);
}

/* Neither set nor told. */
static bool unknown(const struct port_lab *l, enum vnic_dir dir, uint16_t queue)
{
	struct vnic_coal got;

	return vnic_coal_get(l->port, dir, queue, false, &got) == -ENODATA;
}

static bool becomes(const struct port_lab *l, enum vnic_dir dir, uint16_t queue, const struct vnic_coal *c)
{
	return TEST_SOON(in_force(l, dir, queue, c));
}

static bool is_question(const struct vnicd_ctrl_cmd *cmd)
{
	return cmd->data[0] == VIRTIO_NET_CTRL_NOTF_COAL && cmd->data[1] == VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET;
}

/* The driver's questions for what a queue begins with are answered. */
static struct vnicd_ctrl_cmd *next_but_questions(struct port_lab *l)
{
	struct vnicd_ctrl_cmd *cmd;

	while (is_question(cmd = port_next_command(l)))
		scripted_ctrl_answer(l->s, cmd, true, 0);
	return cmd;
}

/* A caller that waits, in a thread of its own. */
struct caller {
	pthread_t thread;
	uint16_t port, queue;
	enum vnic_dir dir;
	struct vnic_coal value;
	bool ask;
	int rc;
};

static void *run_caller(void *arg)
{
	struct caller *c = arg;

	c->rc = c->ask ? vnic_coal_get(c->port, c->dir, c->queue, true, &c->value) :
			 vnic_coal_set(c->port, c->dir, c->queue, &c->value);
	return NULL;
}

static void start_caller(struct caller *c)
{
	CU_ASSERT_FATAL(pthread_create(&c->thread, NULL, run_caller, c) == 0);
}

static int end_caller(struct caller *c)
{
	pthread_join(c->thread, NULL);
	return c->rc;
}

/* ---- setting and asking ------------------------------------------------------------------ */

static void set__one_queue(void)
{
	struct vnic_coal got;
	struct port_lab l;

	port_open_pairs(&l, 2, 0, NULL);
	CU_ASSERT(in_force(&l, VNIC_RX, 1, &none));
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 1, &a), 0);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_TX, 0, &b), 0);
	CU_ASSERT(device_has(&l, 2, &a) && device_has(&l, 1, &b) && device_has(&l, 0, &none) &&
		  device_has(&l, 3, &none));
	CU_ASSERT(in_force(&l, VNIC_RX, 1, &a) && in_force(&l, VNIC_TX, 0, &b));
	CU_ASSERT(in_force(&l, VNIC_RX, 0, &none) && in_force(&l, VNIC_TX, 1, &none));
	CU_ASSERT_EQUAL(vnic_coal_get(l.port, VNIC_RX, 1, true, &got), 0);
	CU_ASSERT(got.packets == 8 && got.usecs == 50);
	/* A device that rounds says so. */
	l.s->nic.queue[2].coal.max_usecs = 48;
	CU_ASSERT_EQUAL(vnic_coal_get(l.port, VNIC_RX, 1, true, &got), 0);
	CU_ASSERT_EQUAL(got.usecs, 48);
	CU_ASSERT(in_force(&l, VNIC_RX, 1, &a));
	port_close(&l);
}

static void set__all_overrides(void)
{
	struct port_lab l;

	port_open_pairs(&l, 2, 0, NULL);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 1, &a), 0);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_TX, 1, &a), 0);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, VNIC_ALL_QUEUES, &b), 0);
	CU_ASSERT(device_has(&l, 0, &b) && device_has(&l, 2, &b) && device_has(&l, 3, &a));
	CU_ASSERT(in_force(&l, VNIC_RX, 0, &b) && in_force(&l, VNIC_RX, 1, &b) && in_force(&l, VNIC_TX, 1, &a));
	CU_ASSERT(in_force(&l, VNIC_RX, VNIC_ALL_QUEUES, &b) && unknown(&l, VNIC_TX, VNIC_ALL_QUEUES));
	/* The last command wins. */
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 0, &a), 0);
	CU_ASSERT(in_force(&l, VNIC_RX, 0, &a) && in_force(&l, VNIC_RX, 1, &b));
	port_close(&l);
}

static void set__what_the_device_can(void)
{
	static const struct {
		uint64_t hidden;
		int one, all, post;
	} rows[] = {
		{ 0, 0, 0, 0 },
		{ PER_QUEUE, -ENOTSUP, 0, -ENOTSUP },
		{ PER_DIRECTION, 0, 0, 0 },
		{ PER_QUEUE | PER_DIRECTION, -ENOTSUP, -ENOTSUP, -ENOTSUP },
	};
	struct vnic_coal got;

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct port_lab l;

		port_open_pairs(&l, 2, rows[i].hidden, NULL);
		CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 1, &a), rows[i].one);
		CU_ASSERT_EQUAL(vnic_coal_get(l.port, VNIC_RX, 1, true, &got), rows[i].one);
		CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, VNIC_ALL_QUEUES, &b), rows[i].all);
		CU_ASSERT(rows[i].all != 0 || (device_has(&l, 0, &b) && device_has(&l, 2, &b)));
		CU_ASSERT(rows[i].all != 0 || (in_force(&l, VNIC_RX, 0, &b) && in_force(&l, VNIC_RX, 1, &b)));
		CU_ASSERT_EQUAL(vnic_coal_post(l.port, 1, &a), rows[i].post);
		CU_ASSERT(state_is(&l, 1, rows[i].post == 0 ? VNIC_COAL_IDLE : VNIC_COAL_NONE));
		CU_ASSERT(rows[i].post != 0 || device_has(&l, 2, &a));
		port_close(&l);
	}
}

static void set__bad_arguments(void)
{
	struct vnic_coal got;
	struct port_lab l;

	port_open_pairs(&l, 2, 0, NULL);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 2, &a), -EINVAL);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, (enum vnic_dir)2, 0, &a), -EINVAL);
	CU_ASSERT_EQUAL(vnic_coal_set(UINT16_MAX, VNIC_RX, 0, &a), -ENOTSUP);
	CU_ASSERT_EQUAL(vnic_coal_get(l.port, VNIC_RX, 200, false, &got), -EINVAL);
	CU_ASSERT_EQUAL(vnic_coal_get(l.port, VNIC_RX, VNIC_ALL_QUEUES, true, &got), -ENOTSUP);
	CU_ASSERT_EQUAL(vnic_coal_post(l.port, 2, &a), -EIO);
	CU_ASSERT_EQUAL(vnic_coal_post(l.port, UINT16_MAX, &a), -EINVAL);
	CU_ASSERT_EQUAL(vnic_coal_post(UINT16_MAX, 0, &a), -ENOTSUP);
	CU_ASSERT_EQUAL(vnic_coal_state(l.port, UINT16_MAX), VNIC_COAL_NONE);
	port_close(&l);
}

static void set__refused_changes_nothing(void)
{
	struct port_lab l;

	port_open_pairs(&l, 1, 0, NULL);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 0, &a), 0);
	l.s->ctrl_ack = VIRTIO_NET_ERR;
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 0, &b), -EREMOTEIO);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, VNIC_ALL_QUEUES, &b), -EREMOTEIO);
	CU_ASSERT(in_force(&l, VNIC_RX, 0, &a) && unknown(&l, VNIC_RX, VNIC_ALL_QUEUES));
	l.s->ctrl_ack = 7; /* no answer of the specification */
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 0, &b), -EREMOTEIO);
	CU_ASSERT(in_force(&l, VNIC_RX, 0, &a));
	port_close(&l);
}

static void set__device_hangs(void)
{
	struct port_lab l;

	port_open_pairs(&l, 1, 0, "ctrl_timeout_ms=50");
	l.s->ctrl_silent = true;
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 0, &a), -ETIMEDOUT);
	CU_ASSERT(port_event(&l, RTE_ETH_EVENT_INTR_RESET, 1));
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 0, &a), -EIO);
	CU_ASSERT_EQUAL(vnic_coal_post(l.port, 0, &a), -EIO);
	CU_ASSERT_EQUAL(vnic_coal_state(l.port, 0), VNIC_COAL_NONE);
	CU_ASSERT(in_force(&l, VNIC_RX, 0, &none));
	port_close(&l);
}

/* Packets before microseconds, queues by virtqueue number, VQ_GET with its reserved half. */
static void set__octets_of_commands(void)
{
	static const struct {
		enum vnic_dir dir;
		uint16_t queue;
		bool ask;
		uint32_t len;
		uint8_t octets[14];
	} rows[] = {
		{ VNIC_TX, VNIC_ALL_QUEUES, false, 10, { 6, 0, 4, 3, 2, 1, 8, 7, 6, 5 } },
		{ VNIC_RX, VNIC_ALL_QUEUES, false, 10, { 6, 1, 4, 3, 2, 1, 8, 7, 6, 5 } },
		{ VNIC_RX, 1, false, 14, { 6, 2, 2, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5 } },
		{ VNIC_TX, 1, false, 14, { 6, 2, 3, 0, 0, 0, 4, 3, 2, 1, 8, 7, 6, 5 } },
		{ VNIC_TX, 1, true, 6, { 6, 3, 3, 0, 0, 0 } },
	};
	struct port_lab l;

	port_open_pairs(&l, 2, 0, NULL);
	l.s->ctrl_manual = true;
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct caller c = { .port = l.port, .dir = rows[i].dir, .queue = rows[i].queue, .ask = rows[i].ask,
				    .value = { 0x01020304, 0x05060708 } };
		static const uint8_t got[] = { VIRTIO_NET_OK, 0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55 };
		struct vnicd_ctrl_cmd *cmd;

		start_caller(&c);
		cmd = port_next_command(&l);
		CU_ASSERT_EQUAL(cmd->len, rows[i].len);
		CU_ASSERT(memcmp(cmd->data, rows[i].octets, rows[i].len) == 0);
		scripted_ctrl_garbage(l.s, cmd, got, rows[i].ask ? sizeof(got) : 1, rows[i].ask ? sizeof(got) : 1);
		CU_ASSERT_EQUAL(end_caller(&c), 0);
		CU_ASSERT(!rows[i].ask || (c.value.packets == 0x11223344 && c.value.usecs == 0x55667788));
	}
	port_close(&l);
}

/* ---- from lcores --------------------------------------------------------------------------- */

static void post__taken_and_refused(void)
{
	struct port_lab l;

	port_open_pairs(&l, 2, 0, NULL);
	CU_ASSERT_EQUAL(vnic_coal_state(l.port, 1), VNIC_COAL_IDLE);
	CU_ASSERT_EQUAL(vnic_coal_post(l.port, 1, &a), 0);
	CU_ASSERT(state_is(&l, 1, VNIC_COAL_IDLE));
	CU_ASSERT(device_has(&l, 2, &a) && in_force(&l, VNIC_RX, 1, &a));
	l.s->ctrl_ack = VIRTIO_NET_ERR;
	CU_ASSERT_EQUAL(vnic_coal_post(l.port, 1, &b), 0);
	CU_ASSERT(state_is(&l, 1, VNIC_COAL_REFUSED));
	CU_ASSERT(device_has(&l, 2, &a) && in_force(&l, VNIC_RX, 1, &a));
	l.s->ctrl_ack = 0;
	CU_ASSERT_EQUAL(vnic_coal_post(l.port, 1, &b), 0);
	CU_ASSERT(state_is(&l, 1, VNIC_COAL_IDLE));
	CU_ASSERT(device_has(&l, 2, &b) && in_force(&l, VNIC_RX, 1, &b));
	port_close(&l);
}

static uint32_t packets_of(const struct vnicd_ctrl_cmd *cmd)
{
	return cmd->data[6];
}

static void post__latest_wins(void)
{
	struct vnicd_ctrl_cmd *cmd;
	struct port_lab l;

	port_open_pairs(&l, 1, 0, NULL);
	l.s->ctrl_manual = true;
	CU_ASSERT_EQUAL(vnic_coal_post(l.port, 0, &(struct vnic_coal){ 1, 1 }), 0);
	cmd = port_next_command(&l);
	CU_ASSERT_EQUAL(packets_of(cmd), 1);
	for (uint32_t i = 2; i <= 50; i++)
		CU_ASSERT_EQUAL(vnic_coal_post(l.port, 0, &(struct vnic_coal){ i, i }), 0);
	usleep(30000);
	CU_ASSERT(scripted_ctrl_take(l.s) == NULL); /* one in flight */
	CU_ASSERT_EQUAL(vnic_coal_state(l.port, 0), VNIC_COAL_PENDING);
	scripted_ctrl_answer(l.s, cmd, true, 0);
	cmd = port_next_command(&l);
	CU_ASSERT_EQUAL(packets_of(cmd), 50);
	CU_ASSERT_EQUAL(vnic_coal_state(l.port, 0), VNIC_COAL_PENDING);
	CU_ASSERT(in_force(&l, VNIC_RX, 0, &(struct vnic_coal){ 1, 1 }));
	scripted_ctrl_answer(l.s, cmd, true, 0);
	CU_ASSERT(state_is(&l, 0, VNIC_COAL_IDLE));
	CU_ASSERT(in_force(&l, VNIC_RX, 0, &(struct vnic_coal){ 50, 50 }));
	port_close(&l);
}

static void post__64_under_one_doorbell(void)
{
	struct port_lab l;
	uint64_t kicks;

	port_open_pairs(&l, 64, 0, NULL);
	usleep(20000);
	l.s->ctrl_manual = true;
	kicks = l.s->kicks[128];
	/* The control thread is at its door while all of them post. */
	pthread_mutex_lock(&l.d->coal->lock);
	for (uint16_t q = 0; q < 64; q++)
		CU_ASSERT_EQUAL(vnic_coal_post(l.port, q, &a), 0);
	pthread_mutex_unlock(&l.d->coal->lock);
	CU_ASSERT(TEST_SOON(scripted_waiting(l.s, 128) == 64));
	CU_ASSERT_EQUAL(l.s->kicks[128], kicks + 1);
	l.s->ctrl_manual = false;
	scripted_ctrl_serve(l.s);
	for (uint16_t q = 0; q < 64; q++)
		CU_ASSERT(state_is(&l, q, VNIC_COAL_IDLE) && device_has(&l, 2 * q, &a));
	port_close(&l);
}

/* All of a direction queue by queue, more than there are slots, and all of them posted too. */
static void post__more_than_slots(void)
{
	struct vnic_coal c = a;
	struct port_lab l;

	port_open_pairs(&l, 64, PER_DIRECTION, NULL);
	for (uint16_t q = 0; q < 64; q++)
		CU_ASSERT_EQUAL(vnic_coal_post(l.port, q, &b), 0);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_TX, VNIC_ALL_QUEUES, &c), 0);
	for (uint16_t q = 0; q < 64; q++)
		CU_ASSERT(state_is(&l, q, VNIC_COAL_IDLE) && device_has(&l, 2 * q, &b) &&
			  device_has(&l, 2 * q + 1, &a));
	port_close(&l);
}

/* A burst at once, then VNIC_COAL_RATE a second. */
static void post__rate_is_bounded(void)
{
	uint64_t began, least = 200;
	struct port_lab l;

	port_open_pairs(&l, 1, 0, NULL);
	began = clock_now_ms();
	for (uint32_t i = 1; i <= VNIC_COAL_BURST + least; i++) {
		CU_ASSERT_EQUAL(vnic_coal_post(l.port, 0, &(struct vnic_coal){ i, i }), 0);
		for (unsigned k = 0; k < 100000 && vnic_coal_state(l.port, 0) == VNIC_COAL_PENDING; k++)
			usleep(20);
	}
	CU_ASSERT(clock_now_ms() - began >= (least - COAL_STEP_MS) * 1000 / VNIC_COAL_RATE);
	CU_ASSERT(state_is(&l, 0, VNIC_COAL_IDLE));
	CU_ASSERT(in_force(&l, VNIC_RX, 0, &(struct vnic_coal){ VNIC_COAL_BURST + 200, VNIC_COAL_BURST + 200 }));
	port_close(&l);
}

/* ---- stops and resets ---------------------------------------------------------------------- */

static bool comes_back(const struct port_lab *l, uint16_t vq, const struct vnic_coal *c)
{
	return TEST_SOON(device_has(l, vq, c));
}

static void set_three(struct port_lab *l)
{
	CU_ASSERT_EQUAL(vnic_coal_set(l->port, VNIC_RX, VNIC_ALL_QUEUES, &b), 0);
	CU_ASSERT_EQUAL(vnic_coal_set(l->port, VNIC_TX, 0, &a), 0);
	CU_ASSERT_EQUAL(vnic_coal_post(l->port, 1, &a), 0);
	CU_ASSERT(state_is(l, 1, VNIC_COAL_IDLE));
}

/* What adaptive moderation chose is as much in force as what was set. */
static bool three_are_back(struct port_lab *l)
{
	return comes_back(l, 0, &b) && comes_back(l, 2, &a) && comes_back(l, 1, &a) && comes_back(l, 3, &none) &&
	       in_force(l, VNIC_RX, 0, &b) && in_force(l, VNIC_RX, 1, &a) && in_force(l, VNIC_TX, 0, &a);
}

static void restore__stop_and_start(void)
{
	uint64_t seen, usual;
	struct port_lab l;

	port_open_pairs(&l, 2, 0, NULL);
	CU_ASSERT_EQUAL(rte_eth_dev_stop(l.port), 0);
	seen = l.s->ctrl_seen;
	CU_ASSERT_EQUAL(rte_eth_dev_start(l.port), 0);
	for (uint16_t q = 0; q < 2; q++)
		CU_ASSERT(becomes(&l, VNIC_RX, q, &none) && becomes(&l, VNIC_TX, q, &none));
	usual = l.s->ctrl_seen - seen - 4;
	set_three(&l);
	CU_ASSERT_EQUAL(rte_eth_dev_stop(l.port), 0);
	CU_ASSERT_EQUAL(vnic_coal_post(l.port, 1, &b), -EIO);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 1, &b), -EIO);
	CU_ASSERT_EQUAL(vnic_coal_state(l.port, 1), VNIC_COAL_NONE);
	seen = l.s->ctrl_seen;
	CU_ASSERT_EQUAL(rte_eth_dev_start(l.port), 0);
	CU_ASSERT(three_are_back(&l));
	CU_ASSERT_EQUAL(vnic_coal_state(l.port, 1), VNIC_COAL_IDLE);
	/* Exactly what is in force: RX_SET and two VQ_SET; and the question for what the fourth queue has. */
	CU_ASSERT(becomes(&l, VNIC_TX, 1, &none));
	CU_ASSERT_EQUAL(l.s->ctrl_seen - seen, usual + 3 + 1);
	port_close(&l);
}

static void restore__back_end_returns(void)
{
	struct port_lab l;

	port_open_pairs(&l, 2, 0, NULL);
	set_three(&l);
	scripted_die(l.s);
	CU_ASSERT(state_is(&l, 1, VNIC_COAL_NONE));
	scripted_return(l.s);
	CU_ASSERT(state_is(&l, 1, VNIC_COAL_IDLE));
	CU_ASSERT(three_are_back(&l));
	port_close(&l);
}

static void reset_queue(struct port_lab *l, uint16_t vq)
{
	pthread_mutex_lock(&l->d->lock);
	vnic_coal_stop_queue(l->d, vq);
	l->s->nic.queue[vq].ring.marked = false;
	vnic_coal_restore_queue(l->d, vq);
	pthread_mutex_unlock(&l->d->lock);
}

static void restore__queue(void)
{
	uint64_t seen;
	struct port_lab l;

	port_open_pairs(&l, 2, 0, NULL);
	set_three(&l);
	seen = l.s->ctrl_seen;
	reset_queue(&l, 2);
	CU_ASSERT(three_are_back(&l));
	CU_ASSERT_EQUAL(l.s->ctrl_seen - seen, 1);
	/* It has what its direction has: nothing to send. */
	reset_queue(&l, 0);
	usleep(20000);
	CU_ASSERT_EQUAL(l.s->ctrl_seen - seen, 1);
	CU_ASSERT(three_are_back(&l));
	port_close(&l);
}

static void restore__refused(void)
{
	struct port_lab l;

	port_open_pairs(&l, 2, 0, NULL);
	set_three(&l);
	l.s->ctrl_ack = VIRTIO_NET_ERR;
	reset_queue(&l, 2);
	CU_ASSERT(TEST_SOON(in_force(&l, VNIC_RX, 1, &b))); /* what the device gives a queue of no own value */
	l.s->ctrl_ack = 0;
	port_close(&l);
}

static void restore__late_answer(void)
{
	struct vnicd_ctrl_cmd *cmd;
	struct port_lab l;

	port_open_pairs(&l, 2, 0, NULL);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 1, &a), 0);
	l.s->ctrl_manual = true;
	CU_ASSERT_EQUAL(vnic_coal_post(l.port, 1, &b), 0);
	cmd = port_next_command(&l);
	reset_queue(&l, 2);
	/* Dropped: the lcore hears of it. */
	CU_ASSERT_EQUAL(vnic_coal_state(l.port, 1), VNIC_COAL_REFUSED);
	scripted_ctrl_answer(l.s, cmd, true, 0);
	cmd = port_next_command(&l); /* only now, as both are of one queue */
	CU_ASSERT_EQUAL(packets_of(cmd), 8);
	CU_ASSERT(in_force(&l, VNIC_RX, 1, &a));
	scripted_ctrl_answer(l.s, cmd, true, 0);
	CU_ASSERT(comes_back(&l, 2, &a));
	CU_ASSERT(in_force(&l, VNIC_RX, 1, &a));
	l.s->ctrl_manual = false;
	port_close(&l);
}

/* A caller that waits is told when the queue goes from under it. */
static void restore__waiting_caller(void)
{
	struct vnicd_ctrl_cmd *cmd;
	struct port_lab l;
	struct caller c;

	port_open_pairs(&l, 2, 0, NULL);
	l.s->ctrl_manual = true;
	c = (struct caller){ .port = l.port, .dir = VNIC_RX, .queue = 1, .value = a };
	start_caller(&c);
	cmd = port_next_command(&l);
	reset_queue(&l, 2);
	scripted_ctrl_answer(l.s, cmd, true, 0);
	CU_ASSERT_EQUAL(end_caller(&c), -ECANCELED);
	CU_ASSERT(unknown(&l, VNIC_RX, 1));
	start_caller(&c);
	cmd = next_but_questions(&l);
	CU_ASSERT(becomes(&l, VNIC_RX, 1, &a)); /* the device did it */
	CU_ASSERT_EQUAL(rte_eth_dev_stop(l.port), 0);
	CU_ASSERT_EQUAL(end_caller(&c), -ECANCELED);
	free(cmd);
	port_close(&l);
}

/* ---- what the device begins with ------------------------------------------------------------- */

/* A device that does not begin with 0; its queues are not told apart by their direction. */
static void probe_own(struct port_lab *l, uint64_t hidden)
{
	struct vnicd_nic_conf conf = scripted_conf(64);

	port_new(l, &conf);
	l->s->hide_features = hidden;
	CU_ASSERT_FATAL(port_probe(l, "in_order=0") == 0);
	l->queues = 64;
	l->rx_desc = l->tx_desc = 16;
	l->s->coal_begins = (struct vnicd_coal){ 7, 70 };
}

static void open_own(struct port_lab *l, uint64_t hidden)
{
	probe_own(l, hidden);
	CU_ASSERT_FATAL(port_start(l) == 0);
}

struct start {
	struct port_lab *l;
	bool over;
};

static void *run_start(void *arg)
{
	struct start *s = arg;

	CU_ASSERT_EQUAL(port_start(s->l), 0);
	__atomic_store_n(&s->over, true, __ATOMIC_RELEASE);
	return NULL;
}

#define QUESTIONS 128

/* A start of which every command but these questions is answered. Returns how often the
 * driver has rung for them after the first was there. */
static uint64_t start_unanswered(struct port_lab *l, struct vnicd_ctrl_cmd *question[QUESTIONS])
{
	struct start start = { .l = l };
	struct vnicd_ctrl_cmd *cmd;
	uint64_t kicks = 0;
	pthread_t thread;
	unsigned n = 0;

	l->s->ctrl_manual = true;
	CU_ASSERT_FATAL(pthread_create(&thread, NULL, run_start, &start) == 0);
	for (unsigned i = 0; i < 2 * TEST_PATIENCE_MS && (n < QUESTIONS || !__atomic_load_n(&start.over, __ATOMIC_ACQUIRE)); i++) {
		for (; (cmd = scripted_ctrl_take(l->s)) != NULL; i = 0) {
			if (n == QUESTIONS || !is_question(cmd)) {
				scripted_ctrl_answer(l->s, cmd, true, 0);
				continue;
			}
			kicks = n == 0 ? l->s->kicks[QUESTIONS] : kicks;
			question[n++] = cmd;
		}
		usleep(500);
	}
	pthread_join(thread, NULL);
	CU_ASSERT_EQUAL_FATAL(n, QUESTIONS);
	return kicks;
}

static const struct vnic_coal own = { .packets = 7, .usecs = 70 };

static void begins__with_what_the_device_has(void)
{
	struct port_lab l;

	open_own(&l, 0);
	for (uint16_t q = 0; q < 64; q++)
		CU_ASSERT(becomes(&l, VNIC_RX, q, &own) && becomes(&l, VNIC_TX, q, &own));
	CU_ASSERT(unknown(&l, VNIC_RX, VNIC_ALL_QUEUES)); /* each may have another one */
	/* What was set counts, here and after a start; the others are asked again. */
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 3, &a), 0);
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_TX, VNIC_ALL_QUEUES, &b), 0);
	CU_ASSERT(in_force(&l, VNIC_RX, 3, &a) && in_force(&l, VNIC_RX, 4, &own) && in_force(&l, VNIC_TX, 4, &b));
	CU_ASSERT_EQUAL(rte_eth_dev_stop(l.port), 0);
	l.s->coal_begins = (struct vnicd_coal){ 9, 90 };
	CU_ASSERT_EQUAL(rte_eth_dev_start(l.port), 0);
	CU_ASSERT(becomes(&l, VNIC_RX, 4, &(struct vnic_coal){ 9, 90 }));
	CU_ASSERT(in_force(&l, VNIC_RX, 3, &a) && in_force(&l, VNIC_TX, 4, &b));
	port_close(&l);
}

/* The start is over and the port runs before any of 128 is answered. */
static void begins__nobody_waits(void)
{
	struct vnicd_ctrl_cmd *question[QUESTIONS];
	struct port_lab l;
	uint64_t kicks;

	probe_own(&l, 0);
	/* All were there after one doorbell; ethdev's own commands may have rung, too. */
	kicks = start_unanswered(&l, question);
	CU_ASSERT(l.s->kicks[QUESTIONS] - kicks <= 4);
	CU_ASSERT(port_works(&l, 0) && unknown(&l, VNIC_RX, 0));
	/* What a lcore posts goes when its queue has answered. */
	CU_ASSERT_EQUAL(vnic_coal_post(l.port, 5, &a), 0);
	usleep(20000);
	CU_ASSERT_EQUAL(vnic_coal_state(l.port, 5), VNIC_COAL_PENDING);
	for (unsigned i = 0; i < QUESTIONS; i++)
		scripted_ctrl_answer(l.s, question[i], true, 0);
	scripted_ctrl_answer(l.s, port_next_command(&l), true, 0);
	CU_ASSERT(becomes(&l, VNIC_RX, 63, &own) && becomes(&l, VNIC_RX, 5, &a) && device_has(&l, 10, &a));
	port_close(&l);
}

static void begins__not_to_be_asked(void)
{
	struct port_lab l;

	open_own(&l, PER_QUEUE);
	usleep(20000);
	CU_ASSERT(unknown(&l, VNIC_RX, 0) && unknown(&l, VNIC_TX, 63));
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, VNIC_ALL_QUEUES, &a), 0);
	CU_ASSERT(in_force(&l, VNIC_RX, 0, &a) && unknown(&l, VNIC_TX, 63));
	port_close(&l);
}

static void begins__refused(void)
{
	struct vnicd_ctrl_cmd *question[QUESTIONS];
	struct port_lab l;

	probe_own(&l, 0);
	start_unanswered(&l, question);
	for (unsigned i = 0; i < QUESTIONS; i++)
		scripted_ctrl_answer(l.s, question[i], false, VIRTIO_NET_ERR);
	(void)TEST_SOON(port_xstat(&l, "ctrl_failed") >= QUESTIONS);
	usleep(20000);
	CU_ASSERT_EQUAL(port_xstat(&l, "ctrl_failed"), QUESTIONS); /* once each */
	CU_ASSERT(unknown(&l, VNIC_RX, 0));
	l.s->ctrl_manual = false;
	scripted_ctrl_serve(l.s); /* wants doorbells again */
	CU_ASSERT_EQUAL(vnic_coal_set(l.port, VNIC_RX, 0, &a), 0);
	CU_ASSERT(in_force(&l, VNIC_RX, 0, &a) && port_works(&l, 0));
	port_close(&l);
}

/* A queue that was reset has lost what it had. */
static void begins__again_with_a_queue(void)
{
	struct port_lab l;

	open_own(&l, 0);
	CU_ASSERT(becomes(&l, VNIC_RX, 1, &own));
	l.s->nic.coal_rx = (struct vnicd_coal){ 8, 50 };
	reset_queue(&l, 2);
	CU_ASSERT(becomes(&l, VNIC_RX, 1, &a) && in_force(&l, VNIC_RX, 2, &own));
	port_close(&l);
}

static const struct test_case cases[] = {
	TEST_CASE(set__one_queue),
	TEST_CASE(set__all_overrides),
	TEST_CASE(set__what_the_device_can),
	TEST_CASE(set__bad_arguments),
	TEST_CASE(set__refused_changes_nothing),
	TEST_CASE(set__device_hangs),
	TEST_CASE(set__octets_of_commands),
	TEST_CASE(post__taken_and_refused),
	TEST_CASE(post__latest_wins),
	TEST_CASE(post__64_under_one_doorbell),
	TEST_CASE(post__more_than_slots),
	TEST_CASE(post__rate_is_bounded),
	TEST_CASE(restore__stop_and_start),
	TEST_CASE(restore__back_end_returns),
	TEST_CASE(restore__queue),
	TEST_CASE(restore__refused),
	TEST_CASE(restore__late_answer),
	TEST_CASE(restore__waiting_caller),
	TEST_CASE(begins__with_what_the_device_has),
	TEST_CASE(begins__nobody_waits),
	TEST_CASE(begins__not_to_be_asked),
	TEST_CASE(begins__refused),
	TEST_CASE(begins__again_with_a_queue),
};
TEST_MAIN("virtio_coal", cases)
