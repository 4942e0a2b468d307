/* SPDX-License-Identifier: BSD-3-Clause */
/* What the back end is told of memory and rings, and in which order; its own requests. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>

#include <rte_cycles.h>

#include "tests/unit/test.h"
#include "tests/unit/virtio/vhost_lab.h"

static struct vhost_lab lab;

static void open_good(const struct vhost_lab_opts *o)
{
	const char *at = "";

	vhost_lab_open(&lab, o);
	lab.dev.packed = false;
	CU_ASSERT_EQUAL(vhost_lab_start(&lab, &at), 0);
}

/* ---- order ---------------------------------------------------------------------------- */

static unsigned position(uint32_t request, uint32_t index)
{
	for (unsigned i = 0; i < lab.n; i++)
		if (lab.log[i].request == request && (lab.log[i].p.u64 & 0xff) == index)
			return i;
	return VHOST_LAB_LOG;
}

/* CALL makes a ring, KICK starts it; memory before rings, features before memory. */
static void rings__order_of_messages(void)
{
	static const uint32_t order[] = { VHOST_USER_SET_VRING_CALL, VHOST_USER_SET_VRING_NUM,
					  VHOST_USER_SET_VRING_BASE, VHOST_USER_SET_VRING_ADDR,
					  VHOST_USER_SET_VRING_KICK, VHOST_USER_SET_VRING_ENABLE };
	struct vhost_lab_opts o = { .server = false };

	open_good(&o);
	CU_ASSERT_EQUAL(lab.log[0].request, VHOST_USER_SET_OWNER);
	for (uint32_t q = 0; q < 4; q++)
		for (unsigned i = 0; i < RTE_DIM(order); i++) {
			CU_ASSERT(position(order[i], q) < VHOST_LAB_LOG);
			CU_ASSERT(i == 0 || position(order[i - 1], q) < position(order[i], q));
		}
	CU_ASSERT(vhost_lab_got(&lab, VHOST_USER_SET_FEATURES, 0) < vhost_lab_got(&lab, VHOST_USER_SET_MEM_TABLE, 0));
	CU_ASSERT(vhost_lab_got(&lab, VHOST_USER_SET_MEM_TABLE, 0) < vhost_lab_got(&lab, VHOST_USER_SET_VRING_CALL, 0));
	/* Bit 30 is kept, MQ goes with it; DRIVER_OK comes last. */
	CU_ASSERT(vhost_lab_got(&lab, VHOST_USER_SET_FEATURES, 0)->p.u64 & VIRTIO_BIT(30));
	CU_ASSERT(vhost_lab_got(&lab, VHOST_USER_SET_FEATURES, 0)->p.u64 & VIRTIO_BIT(VIRTIO_NET_F_MQ));
	CU_ASSERT_EQUAL(lab.log[lab.n - 1].request, VHOST_USER_SET_STATUS);
	CU_ASSERT_EQUAL(lab.log[lab.n - 1].p.u64, 15);
	vhost_lab_close(&lab);
}

/* Everything that can be refused is asked to be acknowledged. */
static void rings__acknowledged(void)
{
	struct vhost_lab_opts o = { .server = true };

	open_good(&o);
	for (unsigned i = 0; i < lab.n; i++) {
		bool set = lab.log[i].request != VHOST_USER_SET_OWNER &&
			   strncmp(vnic_vhost_name(lab.log[i].request), "SET_", 4) == 0 &&
			   lab.log[i].request != VHOST_USER_SET_PROTOCOL_FEATURES;

		CU_ASSERT_EQUAL(lab.log[i].flags & 3, 1);
		CU_ASSERT(!set || (lab.log[i].flags & VHOST_USER_NEED_REPLY));
	}
	vhost_lab_close(&lab);
}

static const struct {
	bool packed, extension;
	uint32_t base;
} bases[] = {
	{ false, false, 0 }, { false, true, 0 }, { true, false, 0x8000 }, { true, true, 0x80008000 },
};

static void rings__base_and_addresses(void)
{
	for (unsigned i = 0; i < RTE_DIM(bases); i++) {
		struct vhost_lab_opts o = { .protocol = 1u << VHOST_USER_PROTOCOL_F_REPLY_ACK |
							1u << VHOST_USER_PROTOCOL_F_CONFIG };
		const struct vhost_lab_message *m;
		const char *at;
		uint64_t va;

		if (bases[i].extension)
			o.protocol |= UINT64_C(1) << VHOST_USER_PROTOCOL_F_SMCGATE_CTRL_VQ;
		vhost_lab_open(&lab, &o);
		lab.dev.packed = bases[i].packed;
		CU_ASSERT_EQUAL(vhost_lab_start(&lab, &at), 0);
		m = vhost_lab_got(&lab, VHOST_USER_SET_VRING_BASE, 1);
		CU_ASSERT(m != NULL && m->p.state.index == 1 && m->p.state.num == bases[i].base);
		m = vhost_lab_got(&lab, VHOST_USER_SET_VRING_NUM, 1);
		CU_ASSERT(m != NULL && m->p.state.index == 1 && m->p.state.num == 64);
		m = vhost_lab_got(&lab, VHOST_USER_SET_VRING_ADDR, 1);
		va = (uintptr_t)lab.vq[1].ring.va;
		CU_ASSERT(m != NULL && m->p.addr.index == 1 && m->p.addr.flags == 0);
		CU_ASSERT(m->p.addr.desc == va && m->p.addr.avail == va + 2048 && m->p.addr.used == va + 4096);
		m = vhost_lab_got(&lab, VHOST_USER_SET_VRING_KICK, 1);
		CU_ASSERT(m != NULL && m->p.u64 == 1 && m->n_fds == 1);
		vhost_lab_close(&lab);
	}
}

/* A ring that the back end stopped is told once, in its bit; others and those that were set up anew are not. */
static void rings__stopped_by_back_end(void)
{
	struct vhost_lab_opts o = { .server = false };
	struct vnic_vhost *v;
	int old;

	open_good(&o);
	v = lab.dev.transport;
	for (uint32_t q = 0; q < 4; q++) {
		const struct vhost_lab_message *m = vhost_lab_got(&lab, VHOST_USER_SET_VRING_ERR, q);

		CU_ASSERT(m != NULL && m->p.u64 == q && m->n_fds == 1);
	}
	CU_ASSERT_EQUAL(lab.dev.ops->event(&lab.dev), 0);
	CU_ASSERT_EQUAL(lab.dev.ring_errors[0], 0);
	CU_ASSERT_EQUAL(eventfd_write(v->ring[1].err, 1), 0);
	CU_ASSERT_EQUAL(eventfd_write(v->ring[3].err, 7), 0);
	CU_ASSERT(poll(&(struct pollfd){ .fd = lab.dev.ops->event_fd(&lab.dev), .events = POLLIN }, 1, 0) == 1);
	CU_ASSERT_EQUAL(lab.dev.ops->event(&lab.dev), 0);
	CU_ASSERT_EQUAL(lab.dev.ring_errors[0], 0xa);
	lab.dev.ring_errors[0] = 0;
	CU_ASSERT(poll(&(struct pollfd){ .fd = lab.dev.ops->event_fd(&lab.dev), .events = POLLIN }, 1, 0) == 0);
	CU_ASSERT_EQUAL(lab.dev.ops->event(&lab.dev), 0);
	CU_ASSERT_EQUAL(lab.dev.ring_errors[0], 0);
	/* What an old back end says of the ring before is not heard. */
	old = dup(v->ring[1].err);
	CU_ASSERT_EQUAL(lab.dev.ops->queue_setup(&lab.dev, &lab.vq[1]), 0);
	CU_ASSERT_EQUAL(eventfd_write(old, 1), 0);
	CU_ASSERT(poll(&(struct pollfd){ .fd = lab.dev.ops->event_fd(&lab.dev), .events = POLLIN }, 1, 0) == 0);
	close(old);
	vhost_lab_close(&lab);
}

/* Descriptors of receive queues are the same all the time: programs wait for them. */
static void rings__descriptors(void)
{
	struct vhost_lab_opts o = { .server = false };
	uint64_t count;
	int fd, kick;

	vhost_lab_open(&lab, &o);
	CU_ASSERT_EQUAL(lab.dev.ops->open(&lab.dev, false), 0);
	fd = lab.dev.ops->queue_fd(&lab.dev, 0);
	CU_ASSERT(fd >= 0);
	const char *at;
	CU_ASSERT_EQUAL(vhost_lab_start(&lab, &at), 0);
	CU_ASSERT_EQUAL(lab.vq[0].call_fd, fd);
	CU_ASSERT_EQUAL(lab.dev.ops->queue_fd(&lab.dev, 0), fd);
	CU_ASSERT_EQUAL(lab.dev.ops->queue_fd(&lab.dev, 300), -1);
	/* One doorbell at DRIVER_OK; then ours. */
	kick = lab.vq[2].kick_fd;
	CU_ASSERT(read(kick, &count, sizeof(count)) == 8 && count == 1);
	lab.vq[2].notify(&lab.vq[2]);
	lab.vq[2].notify(&lab.vq[2]);
	CU_ASSERT(read(kick, &count, sizeof(count)) == 8 && count == 2);
	/* A counter that is full is not a fault. */
	count = UINT64_MAX - 1;
	CU_ASSERT_EQUAL(write(kick, &count, sizeof(count)), 8);
	lab.vq[2].notify(&lab.vq[2]);
	CU_ASSERT_EQUAL(lab.vq[2].fault, VNIC_FAULT_NONE);
	CU_ASSERT_EQUAL(lab.dev.ops->open(&lab.dev, true), 0);
	CU_ASSERT_EQUAL(lab.dev.ops->queue_fd(&lab.dev, 0), fd);
	vhost_lab_close(&lab);
}

/* ---- stopping --------------------------------------------------------------------------- */

static unsigned count(uint32_t request)
{
	unsigned n = 0;

	while (vhost_lab_got(&lab, request, n) != NULL)
		n++;
	return n;
}

/* A reset stops every ring that runs, lowest first, and only those. */
static void rings__reset_stops_rings(void)
{
	struct vhost_lab_opts o = { .server = false };
	const char *at;

	open_good(&o);
	CU_ASSERT_EQUAL(count(VHOST_USER_GET_VRING_BASE), 0);
	CU_ASSERT_EQUAL(lab.dev.ops->set_status(&lab.dev, 0), 0);
	CU_ASSERT_EQUAL(count(VHOST_USER_GET_VRING_BASE), 4);
	for (unsigned i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(vhost_lab_got(&lab, VHOST_USER_GET_VRING_BASE, i)->p.state.index, i);
	CU_ASSERT_EQUAL(lab.dev.ops->set_status(&lab.dev, 0), 0);
	CU_ASSERT_EQUAL(count(VHOST_USER_GET_VRING_BASE), 4);
	CU_ASSERT_EQUAL(vhost_lab_start(&lab, &at), 0); /* and again */
	vhost_lab_close(&lab);
}

static const struct {
	bool extension;
	enum vhost_lab_deed deed;
	uint64_t value;
	int rc;
} resets[] = {
	{ true, LAB_GOOD, 0, 0 },
	{ false, LAB_GOOD, 0, -ENOTSUP },
	{ true, LAB_VALUE, 2, -EPROTO }, /* another ring's */
	{ true, LAB_SHORT, 0, -EPROTO },
	{ true, LAB_DIE, 0, -ENODEV },
	{ true, LAB_SILENT, 0, -ETIMEDOUT },
};

static void rings__queue_reset(void)
{
	for (unsigned i = 0; i < RTE_DIM(resets); i++) {
		struct vhost_lab_opts o = { .request = VHOST_USER_GET_VRING_BASE, .deed = resets[i].deed,
					    .value = resets[i].value };

		if (!resets[i].extension)
			o.protocol = 1u << VHOST_USER_PROTOCOL_F_REPLY_ACK;
		open_good(&o);
		CU_ASSERT_EQUAL(lab.dev.ops->queue_reset(&lab.dev, &lab.vq[1]), resets[i].rc);
		if (resets[i].rc == 0) {
			CU_ASSERT_EQUAL(lab.dev.ops->queue_reset(&lab.dev, &lab.vq[1]), -EINVAL); /* is not set up */
			CU_ASSERT_EQUAL(lab.dev.ops->queue_setup(&lab.dev, &lab.vq[1]), 0);
			CU_ASSERT_EQUAL(lab.dev.ops->queue_reset(&lab.dev, &lab.vq[1]), 0);
		}
		vhost_lab_close(&lab);
	}
}

/* What one queue waits for when it is set up anew: the back end's answer comes when it has the next request. */
static void rings__sent_together(void)
{
	static const struct {
		uint32_t request;
		unsigned skip;
		bool pause;
	} rows[] = {
		{ VHOST_USER_SET_VRING_CALL, 4, false }, { VHOST_USER_SET_VRING_NUM, 4, false },
		{ VHOST_USER_SET_VRING_BASE, 4, false }, { VHOST_USER_SET_VRING_ADDR, 4, false },
		{ VHOST_USER_SET_VRING_KICK, 4, false }, { VHOST_USER_SET_VRING_ENABLE, 4, true },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct vhost_lab_opts o = { .request = rows[i].request, .skip = rows[i].skip, .deed = LAB_WHEN_MORE };

		open_good(&o);
		if (rows[i].pause) {
			CU_ASSERT_EQUAL(lab.dev.ops->queue_pause(&lab.dev, &lab.vq[1]), 0);
			CU_ASSERT_EQUAL(count(VHOST_USER_SET_VRING_ENABLE), 6);
			CU_ASSERT_EQUAL(lab.log[lab.n - 2].p.state.num, 0);
			CU_ASSERT_EQUAL(lab.log[lab.n - 1].p.state.num, 1);
		} else {
			CU_ASSERT_EQUAL(lab.dev.ops->queue_reset(&lab.dev, &lab.vq[1]), 0);
			CU_ASSERT_EQUAL(lab.dev.ops->queue_setup(&lab.dev, &lab.vq[1]), 0);
			CU_ASSERT_EQUAL(lab.dev.ops->queue_enable(&lab.dev, &lab.vq[1], true), 0);
		}
		vhost_lab_close(&lab);
	}
}

/* A ring that the back end has not taken as it is is not started, and answers stay where they belong. */
static void rings__refused_among_others(void)
{
	static const uint32_t refused[] = { VHOST_USER_SET_VRING_CALL, VHOST_USER_SET_VRING_NUM,
					    VHOST_USER_SET_VRING_BASE, VHOST_USER_SET_VRING_ADDR };

	for (unsigned i = 0; i < RTE_DIM(refused); i++) {
		struct vhost_lab_opts o = { .request = refused[i], .skip = 4, .deed = LAB_VALUE, .value = 1 };
		uint8_t status;

		open_good(&o);
		CU_ASSERT_EQUAL(lab.dev.ops->queue_reset(&lab.dev, &lab.vq[1]), 0);
		CU_ASSERT_EQUAL(lab.dev.ops->queue_setup(&lab.dev, &lab.vq[1]), -EREMOTEIO);
		CU_ASSERT_EQUAL(count(VHOST_USER_SET_VRING_KICK), 4);
		CU_ASSERT_EQUAL(lab.dev.ops->get_status(&lab.dev, &status), 0);
		CU_ASSERT_EQUAL(status, 15);
		CU_ASSERT_EQUAL(lab.dev.ops->event(&lab.dev), 0);
		/* The same again, taken. */
		lab.opts.request = 0;
		CU_ASSERT_EQUAL(lab.dev.ops->queue_setup(&lab.dev, &lab.vq[1]), 0);
		CU_ASSERT_EQUAL(lab.dev.ops->queue_enable(&lab.dev, &lab.vq[1], true), 0);
		CU_ASSERT_EQUAL(count(VHOST_USER_SET_VRING_KICK), 5);
		vhost_lab_close(&lab);
	}
}

static void rings__bigger_than_what_is_in_flight(void)
{
	struct vhost_lab_opts o = { .server = false };

	open_good(&o);
	CU_ASSERT_EQUAL(vhost_lab_got(&lab, VHOST_USER_GET_INFLIGHT_FD, 0)->p.inflight.queue_size, 1024);
	CU_ASSERT_EQUAL(vhost_lab_got(&lab, VHOST_USER_GET_INFLIGHT_FD, 0)->p.inflight.num_queues, 9);
	CU_ASSERT_EQUAL(count(VHOST_USER_GET_INFLIGHT_FD), 1);
	CU_ASSERT_EQUAL(vhost_lab_got(&lab, VHOST_USER_SET_INFLIGHT_FD, 0)->n_fds, 1);
	CU_ASSERT_EQUAL(lab.dev.ops->queue_reset(&lab.dev, &lab.vq[1]), 0);
	lab.vq[1].size = 2048;
	CU_ASSERT_EQUAL(lab.dev.ops->queue_setup(&lab.dev, &lab.vq[1]), -EINVAL);
	vhost_lab_close(&lab);
}

/* ---- the back end's own requests ---------------------------------------------------------- */

static int event_soon(void)
{
	struct pollfd p = { .fd = lab.dev.ops->event_fd(&lab.dev), .events = POLLIN };

	CU_ASSERT_EQUAL(poll(&p, 1, TEST_PATIENCE_MS), 1);
	return lab.dev.ops->event(&lab.dev);
}

static void event__configuration_changed(void)
{
	struct vhost_lab_opts o = { .server = false };
	struct vhost_user_header h;
	uint64_t answer;

	open_good(&o);
	CU_ASSERT_EQUAL(lab.dev.ops->event(&lab.dev), 0);
	vhost_lab_say(&lab, VHOST_USER_BACKEND_CONFIG_CHANGE_MSG, VHOST_USER_VERSION, 0);
	CU_ASSERT_EQUAL(event_soon(), 0);
	CU_ASSERT_TRUE(lab.dev.config_changed);
	lab.dev.config_changed = false;
	vhost_lab_say(&lab, 77, VHOST_USER_VERSION | VHOST_USER_NEED_REPLY, 8);
	CU_ASSERT_EQUAL(event_soon(), 0);
	CU_ASSERT_FALSE(lab.dev.config_changed);
	CU_ASSERT_EQUAL(read(lab.channel, &h, sizeof(h)), sizeof(h));
	CU_ASSERT_EQUAL(read(lab.channel, &answer, sizeof(answer)), sizeof(answer));
	CU_ASSERT(h.request == 77 && h.flags == (VHOST_USER_VERSION | VHOST_USER_F_REPLY) && answer == 1);
	vhost_lab_close(&lab);
}

static const struct { uint32_t flags, size; } nonsense[] = {
	{ 0, 0 }, { 2, 0 }, { VHOST_USER_VERSION | VHOST_USER_F_REPLY, 0 }, { VHOST_USER_VERSION, 100000 },
	{ VHOST_USER_VERSION, UINT32_MAX },
};

static void event__nonsense_ends_the_connection(void)
{
	for (unsigned i = 0; i < RTE_DIM(nonsense); i++) {
		struct vhost_lab_opts o = { .server = false };

		open_good(&o);
		vhost_lab_say(&lab, VHOST_USER_BACKEND_CONFIG_CHANGE_MSG, nonsense[i].flags, nonsense[i].size);
		CU_ASSERT_EQUAL(event_soon(), -ENODEV);
		CU_ASSERT_EQUAL(lab.dev.ops->event(&lab.dev), -ENODEV);
		vhost_lab_close(&lab);
	}
}

/* Lost: every call says so, none crashes; and the back end may come back. */
static void event__lost_and_back(void)
{
	for (unsigned server = 0; server < 2; server++) {
		struct vhost_lab_opts o = { .server = server };
		struct vnic_features f;
		const char *at;
		uint8_t status;

		open_good(&o);
		vhost_lab_hang_up(&lab);
		CU_ASSERT_EQUAL(event_soon(), -ENODEV);
		CU_ASSERT_EQUAL(lab.dev.ops->get_features(&lab.dev, &f), -ENODEV);
		CU_ASSERT_EQUAL(lab.dev.ops->set_status(&lab.dev, 0), -ENODEV);
		CU_ASSERT_EQUAL(lab.dev.ops->get_status(&lab.dev, &status), -ENODEV);
		CU_ASSERT_EQUAL(lab.dev.ops->config_read(&lab.dev, 0, &status, 1), -ENODEV);
		CU_ASSERT_EQUAL(lab.dev.ops->share_memory(&lab.dev), -ENODEV);
		CU_ASSERT_EQUAL(lab.dev.ops->queue_setup(&lab.dev, &lab.vq[0]), -ENODEV);
		CU_ASSERT_EQUAL(lab.dev.ops->queue_enable(&lab.dev, &lab.vq[0], true), -ENODEV);
		CU_ASSERT_EQUAL(lab.dev.ops->queue_reset(&lab.dev, &lab.vq[0]), -ENODEV);
		CU_ASSERT_EQUAL(lab.dev.ops->wait_gone(&lab.dev, 0), -ENOENT); /* it is ourselves */
		CU_ASSERT(TEST_SOON(lab.dev.ops->open(&lab.dev, true) == 0));
		CU_ASSERT_EQUAL(vhost_lab_start(&lab, &at), 0);
		vhost_lab_close(&lab);
	}
}

static void config__limits(void)
{
	struct vhost_lab_opts o = { .server = false };
	uint8_t buf[VHOST_USER_MAX_CONFIG];

	open_good(&o);
	CU_ASSERT_EQUAL(lab.dev.ops->config_read(&lab.dev, 0, buf, sizeof(buf)), 0);
	CU_ASSERT_EQUAL(buf[255], 255);
	CU_ASSERT_EQUAL(lab.dev.ops->config_read(&lab.dev, 1, buf, sizeof(buf)), -EINVAL);
	CU_ASSERT_EQUAL(lab.dev.ops->config_read(&lab.dev, UINT32_MAX, buf, 2), -EINVAL);
	CU_ASSERT_EQUAL(lab.dev.ops->queue_max(&lab.dev, 7), VRING_SIZE_MAX);
	CU_ASSERT_EQUAL(lab.dev.ops->queue_max(&lab.dev, 8), VRING_SIZE_MAX); /* the control queue */
	CU_ASSERT_EQUAL(lab.dev.ops->queue_max(&lab.dev, 9), 0);
	vhost_lab_close(&lab);
}

static const struct test_case cases[] = {
	TEST_CASE(rings__order_of_messages),
	TEST_CASE(rings__acknowledged),
	TEST_CASE(rings__base_and_addresses),
	TEST_CASE(rings__stopped_by_back_end),
	TEST_CASE(rings__descriptors),
	TEST_CASE(rings__reset_stops_rings),
	TEST_CASE(rings__queue_reset),
	TEST_CASE(rings__sent_together),
	TEST_CASE(rings__refused_among_others),
	TEST_CASE(rings__bigger_than_what_is_in_flight),
	TEST_CASE(event__configuration_changed),
	TEST_CASE(event__nonsense_ends_the_connection),
	TEST_CASE(event__lost_and_back),
	TEST_CASE(config__limits),
};
TEST_MAIN("virtio_vhost_rings", cases)
