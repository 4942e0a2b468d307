/* SPDX-License-Identifier: BSD-3-Clause */
/* The front end's start against a back end that answers one request wrongly. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "pmd/base/clock.h"
#include "tests/unit/test.h"
#include "tests/unit/virtio/vhost_lab.h"

static struct vhost_lab lab;

static const struct {
	uint32_t request;
	enum vhost_lab_deed deed;
	unsigned skip;
	uint64_t value;
	int rc;
	const char *at;
} wrong[] = {
	/* answers that are always due */
	{ VHOST_USER_GET_FEATURES, LAB_REQUEST, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_FEATURES, LAB_VERSION, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_FEATURES, LAB_NO_REPLY_BIT, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_FEATURES, LAB_SHORT, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_FEATURES, LAB_LONG, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_FEATURES, LAB_HUGE, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_FEATURES, LAB_EMPTY, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_FEATURES, LAB_FD, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_FEATURES, LAB_MANY_FDS, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_FEATURES, LAB_HALF, 0, 0, -ETIMEDOUT, "open" },
	{ VHOST_USER_GET_FEATURES, LAB_SILENT, 0, 0, -ETIMEDOUT, "open" },
	{ VHOST_USER_GET_FEATURES, LAB_VALUE, 0, 0x40000000, -ENOTSUP, "open" }, /* legacy */
	{ VHOST_USER_GET_PROTOCOL_FEATURES, LAB_REQUEST, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_PROTOCOL_FEATURES, LAB_SILENT, 0, 0, -ETIMEDOUT, "open" },
	{ VHOST_USER_GET_QUEUE_NUM, LAB_VALUE, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_QUEUE_NUM, LAB_VALUE, 0, 0x8001, -EPROTO, "open" },
	{ VHOST_USER_GET_QUEUE_NUM, LAB_VALUE, 0, UINT64_MAX, -EPROTO, "open" },
	{ VHOST_USER_GET_QUEUE_NUM, LAB_SHORT, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_GET_MAX_MEM_SLOTS, LAB_LONG, 0, 0, -EPROTO, "open" },
	{ VHOST_USER_SET_BACKEND_REQ_FD, LAB_VALUE, 0, 1, -EREMOTEIO, "open" },
	{ VHOST_USER_GET_CONFIG, LAB_SHORT, 0, 0, -EPROTO, "config_read" },
	{ VHOST_USER_GET_CONFIG, LAB_LONG, 0, 0, -EPROTO, "config_read" },
	{ VHOST_USER_GET_CONFIG, LAB_EMPTY, 0, 0, -EREMOTEIO, "config_read" },
	{ VHOST_USER_GET_CONFIG, LAB_VALUE, 0, 5 | UINT64_C(12) << 32, -EPROTO, "config_read" }, /* offset 5 */
	{ VHOST_USER_GET_CONFIG, LAB_VALUE, 0, 4 | UINT64_C(11) << 32, -EPROTO, "config_read" },
	{ VHOST_USER_GET_CONFIG, LAB_VALUE, 0, 4, -EREMOTEIO, "config_read" }, /* size 0 is an error */
	{ VHOST_USER_GET_CONFIG, LAB_FD, 0, 0, -EPROTO, "config_read" },
	{ VHOST_USER_RESET_DEVICE, LAB_VALUE, 0, 1, -EREMOTEIO, "set_status 0" },
	{ VHOST_USER_SET_STATUS, LAB_VALUE, 1, 1, -EREMOTEIO, "set_status" },
	{ VHOST_USER_SET_STATUS, LAB_SILENT, 1, 0, -ETIMEDOUT, "set_status" },
	/* acknowledged ones: refused, late, malformed */
	{ VHOST_USER_SET_FEATURES, LAB_VALUE, 0, 1, -EREMOTEIO, "set_features" },
	{ VHOST_USER_SET_FEATURES, LAB_SILENT, 0, 0, -ETIMEDOUT, "set_features" },
	{ VHOST_USER_SET_FEATURES, LAB_REQUEST, 0, 0, -EPROTO, "set_features" },
	{ VHOST_USER_GET_STATUS, LAB_VALUE, 0, 3, -ENOTSUP, "set_features" }, /* FEATURES_OK is not there */
	{ VHOST_USER_GET_STATUS, LAB_VALUE, 0, 0x108, -EPROTO, "set_features" },
	{ VHOST_USER_SET_MEM_TABLE, LAB_VALUE, 0, 1, -EREMOTEIO, "share_memory" },
	{ VHOST_USER_SET_MEM_TABLE, LAB_VALUE, 0, UINT64_MAX, -EREMOTEIO, "share_memory" },
	{ VHOST_USER_SET_MEM_TABLE, LAB_SILENT, 0, 0, -ETIMEDOUT, "share_memory" },
	{ VHOST_USER_SET_MEM_TABLE, LAB_FD, 0, 0, -EPROTO, "share_memory" },
	{ VHOST_USER_SET_VRING_CALL, LAB_VALUE, 0, 1, -EREMOTEIO, "queue_setup" },
	{ VHOST_USER_GET_INFLIGHT_FD, LAB_NO_FD, 0, 0, -EPROTO, "queue_setup" },
	{ VHOST_USER_GET_INFLIGHT_FD, LAB_FD, 0, 0, -EPROTO, "queue_setup" },
	{ VHOST_USER_GET_INFLIGHT_FD, LAB_MANY_FDS, 0, 0, -EPROTO, "queue_setup" },
	{ VHOST_USER_GET_INFLIGHT_FD, LAB_SHORT, 0, 0, -EPROTO, "queue_setup" },
	{ VHOST_USER_GET_INFLIGHT_FD, LAB_VALUE, 0, 0, -EPROTO, "queue_setup" }, /* of no length */
	{ VHOST_USER_SET_INFLIGHT_FD, LAB_VALUE, 0, 1, -EREMOTEIO, "queue_setup" },
	{ VHOST_USER_SET_VRING_NUM, LAB_VALUE, 2, 1, -EREMOTEIO, "queue_setup" },
	{ VHOST_USER_SET_VRING_BASE, LAB_VALUE, 3, 1, -EREMOTEIO, "queue_setup" },
	{ VHOST_USER_SET_VRING_ADDR, LAB_VALUE, 1, 1, -EREMOTEIO, "queue_setup" },
	{ VHOST_USER_SET_VRING_ADDR, LAB_SHORT, 1, 0, -EPROTO, "queue_setup" },
	{ VHOST_USER_SET_VRING_KICK, LAB_VALUE, 0, 1, -EREMOTEIO, "queue_enable" },
	{ VHOST_USER_SET_VRING_ERR, LAB_VALUE, 0, 1, 0, "set_status 15" },
	{ VHOST_USER_SET_VRING_KICK, LAB_SILENT, 3, 0, -ETIMEDOUT, "queue_enable" },
	{ VHOST_USER_SET_VRING_ENABLE, LAB_VALUE, 3, 1, -EREMOTEIO, "queue_enable" },
	{ VHOST_USER_SET_VRING_ENABLE, LAB_HALF, 0, 1, -ETIMEDOUT, "queue_enable" },
	{ VHOST_USER_SET_STATUS, LAB_VALUE, 3, 1, -EREMOTEIO, "set_status 15" },
};

/* Only what leaves nobody in doubt about what comes next leaves the connection. */
static bool keeps_connection(int rc)
{
	return rc == 0 || rc == -EREMOTEIO || rc == -ENOTSUP;
}

struct went {
	int rc, event;
	const char *at;
};

/* False: an answer that was to be a good one came too late, because the machine is busy. */
static bool start_with(unsigned i, uint32_t reply_ms, struct went *w)
{
	struct vhost_lab_opts o = { .request = wrong[i].request, .deed = wrong[i].deed,
				    .skip = wrong[i].skip, .value = wrong[i].value };

	vhost_lab_open(&lab, &o);
	if (wrong[i].rc == -ETIMEDOUT)
		lab.dev.args.reply_ms = reply_ms;
	w->rc = vhost_lab_start(&lab, &w->at);
	w->event = lab.dev.ops->event(&lab.dev);
	vhost_lab_close(&lab);
	return w->rc != -ETIMEDOUT || lab.silent;
}

static void handshake__wrong_answers(void)
{
	for (unsigned i = 0; i < RTE_DIM(wrong); i++) {
		struct went w;

		for (uint32_t ms = 100; !start_with(i, ms, &w) && ms < 5000; ms *= 4)
			;
		if (w.rc != wrong[i].rc || strcmp(w.at, wrong[i].at) != 0)
			fprintf(stderr, "row %u: %d at %s\n", i, w.rc, w.at);
		CU_ASSERT_EQUAL(w.rc, wrong[i].rc);
		CU_ASSERT_STRING_EQUAL(w.at, wrong[i].at);
		if (strcmp(w.at, "open") != 0)
			CU_ASSERT_EQUAL(w.event, keeps_connection(w.rc) ? 0 : -ENODEV);
	}
}

static const uint32_t steps[] = {
	VHOST_USER_SET_OWNER, VHOST_USER_GET_FEATURES, VHOST_USER_GET_PROTOCOL_FEATURES,
	VHOST_USER_SET_PROTOCOL_FEATURES, VHOST_USER_GET_QUEUE_NUM, VHOST_USER_GET_MAX_MEM_SLOTS,
	VHOST_USER_SET_BACKEND_REQ_FD, VHOST_USER_GET_CONFIG, VHOST_USER_SET_STATUS, VHOST_USER_SET_FEATURES,
	VHOST_USER_GET_STATUS, VHOST_USER_SET_MEM_TABLE, VHOST_USER_SET_VRING_CALL, VHOST_USER_GET_INFLIGHT_FD,
	VHOST_USER_SET_INFLIGHT_FD, VHOST_USER_SET_VRING_NUM, VHOST_USER_SET_VRING_BASE,
	VHOST_USER_SET_VRING_ADDR, VHOST_USER_SET_VRING_ERR, VHOST_USER_SET_VRING_KICK, VHOST_USER_SET_VRING_ENABLE,
};

/* The back end dies at each step: -ENODEV, everything closed; and the next one is taken. */
static void handshake__back_end_dies_at_each_step(void)
{
	for (unsigned i = 0; i < 2 * RTE_DIM(steps); i++) {
		struct vhost_lab_opts o = { .request = steps[i / 2], .deed = LAB_DIE, .server = i % 2 };
		const char *at = "";
		int rc;

		vhost_lab_open(&lab, &o);
		lab.dev.args.connect_ms = 60;
		rc = lab.dev.ops->open(&lab.dev, false);
		/* Before open() is over a new one was tried, and died the same way, until time ran out;
		 * here the lab kills every one of them. */
		if (rc == 0)
			rc = vhost_lab_start(&lab, &at);
		CU_ASSERT(rc == -ENODEV || rc == -ETIMEDOUT);
		CU_ASSERT_EQUAL(lab.dev.ops->event(&lab.dev), -ENODEV);
		lab.opts.request = 0;
		CU_ASSERT(TEST_SOON(lab.dev.ops->open(&lab.dev, true) == 0));
		CU_ASSERT_EQUAL(vhost_lab_start(&lab, &at), 0);
		CU_ASSERT_EQUAL(lab.dev.ops->event(&lab.dev), 0);
		vhost_lab_close(&lab);
	}
}

/* One try, of which the fastest counts: the machine may be busy. */
static bool tries_once(void)
{
	for (unsigned i = 0; i < 200; i++) {
		uint64_t began = clock_now_ms();

		CU_ASSERT_EQUAL(lab.dev.ops->open(&lab.dev, true), -ETIMEDOUT);
		if (clock_now_ms() - began < 20) /* no pause before another try */
			return true;
	}
	return false;
}

static void handshake__nobody_there(void)
{
	struct vhost_lab_opts o = { .server = false };
	uint64_t began;

	vhost_lab_open(&lab, &o);
	snprintf(lab.dev.args.path, sizeof(lab.dev.args.path), "/tmp/vhost_lab_nobody_%d.sock", getpid());
	lab.dev.args.connect_ms = 150;
	for (unsigned server = 0; server < 2; server++) {
		lab.dev.args.server = server;
		began = clock_now_ms();
		CU_ASSERT_EQUAL(lab.dev.ops->open(&lab.dev, false), -ETIMEDOUT);
		CU_ASSERT(clock_now_ms() - began >= 150);
		CU_ASSERT(tries_once());
	}
	vhost_lab_close(&lab);
	CU_ASSERT_NOT_EQUAL(access(lab.dev.args.path, F_OK), 0);
}

/* The socket of a program that died is no obstacle; that of a living one is. */
static void handshake__socket_left_over(void)
{
	struct vhost_lab_opts o = { .server = true };
	struct vnic_dev second = { .wake_fd = -1, .ops = &vnic_vhost_ops };

	vhost_lab_open(&lab, &o);
	CU_ASSERT_EQUAL(lab.dev.ops->open(&lab.dev, false), 0);
	second.args = lab.dev.args;
	CU_ASSERT_EQUAL(second.ops->open(&second, true), -EADDRINUSE);
	second.ops->close(&second);
	CU_ASSERT_EQUAL(access(lab.dev.args.path, F_OK), 0);
	vhost_lab_close(&lab);
}

/* What is no socket stays where it is, though it refuses connections like one that was left over. */
static void handshake__no_socket_there(void)
{
	struct vhost_lab_opts o = { .server = true };
	struct vnic_dev second = { .wake_fd = -1, .ops = &vnic_vhost_ops };
	int fd;

	vhost_lab_open(&lab, &o);
	second.args = lab.dev.args;
	snprintf(second.args.path, sizeof(second.args.path), "/tmp/vhost_lab_file_%d", getpid());
	fd = open(second.args.path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	CU_ASSERT(fd >= 0);
	CU_ASSERT_EQUAL(second.ops->open(&second, true), -EADDRINUSE);
	second.ops->close(&second);
	CU_ASSERT_EQUAL(access(second.args.path, F_OK), 0);
	unlink(second.args.path);
	close(fd);
	vhost_lab_close(&lab);
}

/* Protocol features that need others are not taken without them. */
static void handshake__protocol_needs(void)
{
	static const struct { uint64_t offered, taken; } rows[] = {
		{ 0, 0 },
		{ 1u << VHOST_USER_PROTOCOL_F_BACKEND_REQ, 0 },
		{ 1u << VHOST_USER_PROTOCOL_F_CONFIG | 1u << VHOST_USER_PROTOCOL_F_BACKEND_REQ,
		  1u << VHOST_USER_PROTOCOL_F_CONFIG | 1u << VHOST_USER_PROTOCOL_F_BACKEND_REQ },
		{ UINT64_C(1) << VHOST_USER_PROTOCOL_F_SMCGATE_CTRL_VQ, 0 },
		{ UINT64_C(1) << 63 | 1u << VHOST_USER_PROTOCOL_F_RARP, 0 },
	};

	for (unsigned i = 1; i < RTE_DIM(rows); i++) {
		struct vhost_lab_opts o = { .protocol = rows[i].offered };
		const struct vhost_lab_message *m;

		vhost_lab_open(&lab, &o);
		CU_ASSERT_EQUAL(lab.dev.ops->open(&lab.dev, false), 0);
		CU_ASSERT_EQUAL(lab.dev.ops->queue_count(&lab.dev), 2);
		/* Not everything is acknowledged: wait until it was seen. */
		(void)TEST_SOON(vhost_lab_got(&lab, VHOST_USER_SET_PROTOCOL_FEATURES, 0) != NULL);
		m = vhost_lab_got(&lab, VHOST_USER_SET_PROTOCOL_FEATURES, 0);
		CU_ASSERT_PTR_NOT_NULL_FATAL(m);
		CU_ASSERT_EQUAL(m->p.u64, rows[i].taken);
		vhost_lab_close(&lab);
	}
}

static void handshake__without_protocol_features(void)
{
	struct vhost_lab_opts o = { .features = VIRTIO_BIT(VIRTIO_F_VERSION_1) };
	const char *at;

	vhost_lab_open(&lab, &o);
	CU_ASSERT_EQUAL(vhost_lab_start(&lab, &at), 0);
	CU_ASSERT_EQUAL(lab.dev.transport_flags & VNIC_TRANSPORT_QUEUE_STOP, 0);
	CU_ASSERT_EQUAL(lab.dev.ops->queue_enable(&lab.dev, &lab.vq[0], false), -ENOTSUP);
	CU_ASSERT_PTR_NULL(vhost_lab_got(&lab, VHOST_USER_SET_VRING_ENABLE, 0));
	CU_ASSERT_PTR_NULL(vhost_lab_got(&lab, VHOST_USER_SET_STATUS, 0));
	vhost_lab_close(&lab);
}

/* What cannot be used without a configuration space or a control queue is not offered on. */
static void handshake__features_passed_on(void)
{
	static const uint64_t conf = UINT64_C(1) << VHOST_USER_PROTOCOL_F_CONFIG,
			      ctrl = UINT64_C(1) << VHOST_USER_PROTOCOL_F_SMCGATE_CTRL_VQ,
			      ack = UINT64_C(1) << VHOST_USER_PROTOCOL_F_REPLY_ACK;
	static const struct { uint64_t protocol; bool mac, ctrl; } rows[] = {
		{ ack, false, false }, { ack | conf, true, false }, { ack | conf | ctrl, true, true },
		{ ack | ctrl, false, false },
	};

	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct vhost_lab_opts o = { .protocol = rows[i].protocol };
		struct vnic_features f;

		vhost_lab_open(&lab, &o);
		CU_ASSERT_EQUAL(lab.dev.ops->open(&lab.dev, false), 0);
		CU_ASSERT_EQUAL(lab.dev.ops->get_features(&lab.dev, &f), 0);
		CU_ASSERT_EQUAL((f.word[0] >> VIRTIO_NET_F_MAC) & 1, rows[i].mac);
		CU_ASSERT_EQUAL((f.word[0] >> VIRTIO_NET_F_CTRL_VQ) & 1, rows[i].ctrl);
		CU_ASSERT_EQUAL((f.word[0] >> VIRTIO_NET_F_MQ) & 1, rows[i].ctrl);
		CU_ASSERT_EQUAL((f.word[0] >> VHOST_USER_F_PROTOCOL_FEATURES) & 1, 0);
		CU_ASSERT_EQUAL((lab.dev.transport_flags & VNIC_TRANSPORT_CTRL) != 0, rows[i].ctrl);
		CU_ASSERT_EQUAL((lab.dev.transport_flags & VNIC_TRANSPORT_CONFIG) != 0, rows[i].mac);
		vhost_lab_close(&lab);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(handshake__wrong_answers),
	TEST_CASE(handshake__back_end_dies_at_each_step),
	TEST_CASE(handshake__nobody_there),
	TEST_CASE(handshake__socket_left_over),
	TEST_CASE(handshake__no_socket_there),
	TEST_CASE(handshake__protocol_needs),
	TEST_CASE(handshake__without_protocol_features),
	TEST_CASE(handshake__features_passed_on),
};
TEST_MAIN("virtio_vhost_handshake", cases)
