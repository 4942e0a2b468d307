/* SPDX-License-Identifier: BSD-3-Clause */
/* Every message of the protocol: as it should be, too short, too long, with descriptors missing and left over. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/front.h"

static struct front f;

enum fd_kind { NONE, EVENT, MEMORY, SOCKET };

static const struct message {
	uint32_t request;
	const char *name;
	uint32_t len;
	uint8_t n_fds;
	enum fd_kind kind;
	bool replies, no_fds_is_good, fd_is_good; /* fd_is_good: one more descriptor is */
	union vhost_user_payload p;
} messages[] = {
	{ VHOST_USER_GET_FEATURES, "GET_FEATURES", .replies = true },
	{ VHOST_USER_SET_FEATURES, "SET_FEATURES", 8, .p.u64 = VIRTIO_BIT(VIRTIO_F_VERSION_1) },
	{ VHOST_USER_SET_OWNER, "SET_OWNER" },
	{ VHOST_USER_RESET_OWNER, "RESET_OWNER" },
	{ VHOST_USER_SET_MEM_TABLE, "SET_MEM_TABLE", 40, 1, MEMORY,
	  .p.memory = { 1, 0, { { 0x10000, 0x10000, 0x10000, 0 } } } },
	{ VHOST_USER_SET_VRING_NUM, "SET_VRING_NUM", 8, .p.state = { 1, 256 } },
	{ VHOST_USER_SET_VRING_ADDR, "SET_VRING_ADDR", 40, .p.addr = { 1, 0, 0x10000, 0x12000, 0x14000, 0 } },
	{ VHOST_USER_SET_VRING_BASE, "SET_VRING_BASE", 8, .p.state = { 1, 0 } },
	{ VHOST_USER_GET_VRING_BASE, "GET_VRING_BASE", 8, .replies = true, .p.state = { 1, 0 } },
	{ VHOST_USER_SET_VRING_CALL, "SET_VRING_CALL", 8, 1, EVENT, .p.u64 = 1 },
	{ VHOST_USER_SET_VRING_CALL, "SET_VRING_CALL without", 8, .p.u64 = 0x101 },
	{ VHOST_USER_SET_VRING_ERR, "SET_VRING_ERR", 8, 1, EVENT, .p.u64 = 1 },
	{ VHOST_USER_SET_VRING_ERR, "SET_VRING_ERR without", 8, .p.u64 = 0x101 },
	{ VHOST_USER_GET_PROTOCOL_FEATURES, "GET_PROTOCOL_FEATURES", .replies = true },
	{ VHOST_USER_SET_PROTOCOL_FEATURES, "SET_PROTOCOL_FEATURES", 8, .p.u64 = 8 },
	{ VHOST_USER_GET_QUEUE_NUM, "GET_QUEUE_NUM", .replies = true },
	{ VHOST_USER_SET_VRING_ENABLE, "SET_VRING_ENABLE", 8, .p.state = { 1, 1 } },
	{ VHOST_USER_SEND_RARP, "SEND_RARP", 8, .p.u64 = 0x060504030202 },
	{ VHOST_USER_NET_SET_MTU, "NET_SET_MTU", 8, .p.u64 = 1400 },
	{ VHOST_USER_SET_BACKEND_REQ_FD, "SET_BACKEND_REQ_FD", 0, 1, SOCKET },
	{ VHOST_USER_GET_CONFIG, "GET_CONFIG", 18, .replies = true, .p.config = { 0, 6, 0, { 0 } } },
	{ VHOST_USER_GET_INFLIGHT_FD, "GET_INFLIGHT_FD", 24, .replies = true, .p.inflight = { 0, 0, 2, 64, 0 } },
	{ VHOST_USER_SET_INFLIGHT_FD, "SET_INFLIGHT_FD", 24, 1, MEMORY, .p.inflight = { 0x8000, 0, 2, 64, 0 } },
	{ VHOST_USER_RESET_DEVICE, "RESET_DEVICE" },
	{ VHOST_USER_GET_MAX_MEM_SLOTS, "GET_MAX_MEM_SLOTS", .replies = true },
	{ VHOST_USER_ADD_MEM_REG, "ADD_MEM_REG", 40, 1, MEMORY, .p.mem_reg = { 0, { 0x50000, 0x10000, 0x50000, 0 } } },
	{ VHOST_USER_REM_MEM_REG, "REM_MEM_REG", 40, .fd_is_good = true,
	  .p.mem_reg = { 0, { 0x100000, 0x10000, 0x100000, 0 } } },
	{ VHOST_USER_SET_STATUS, "SET_STATUS", 8, .p.u64 = 3 },
	{ VHOST_USER_GET_STATUS, "GET_STATUS", .replies = true },
};
#define N_MESSAGES (sizeof(messages) / sizeof(messages[0]))

static int make_fd(enum fd_kind kind)
{
	int pair[2];

	switch (kind) {
	case EVENT:
		return eventfd(0, EFD_CLOEXEC);
	case SOCKET:
		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
		close(pair[1]);
		return pair[0];
	default:
		return front_file(0x10000);
	}
}

/* A connection on which everything is agreed and one region is there. */
static void ready(void)
{
	struct vhost_user_memory table = { 1, 0, { { 0x100000, 0x10000, 0x100000, 0 } } };
	int fd = front_file(0x10000);

	front_connect(&f);
	front_handshake(&f, front_protocol(&f), VIRTIO_BIT(VIRTIO_F_VERSION_1) | FRONT_BIT30);
	CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_SET_MEM_TABLE, &table, 40, &fd, 1), 0);
	close(fd);
}

/* Send one with this many octets and descriptors: was it served? */
static bool served(const struct message *m, uint32_t len, unsigned n_fds)
{
	uint64_t refused;
	int fds[8], rc;
	bool ok;

	ready();
	refused = front_refused(&f);
	for (unsigned i = 0; i < n_fds; i++)
		fds[i] = make_fd(m->kind);
	if (m->replies) {
		struct front_reply r = { .h.size = 0 };

		front_send(&f, m->request, VHOST_USER_VERSION, &m->p, len, fds, n_fds);
		front_pump(&f);
		rc = front_receive(&f, &r);
		CU_ASSERT(rc == 1 || rc == -1);
		ok = rc == 1 && r.h.size > 0 && r.h.request == m->request;
	} else {
		rc = front_set(&f, m->request, &m->p, len, fds, n_fds);
		CU_ASSERT(rc >= 0);
		ok = rc == 0;
	}
	CU_ASSERT_EQUAL(front_refused(&f) - refused, !ok);
	for (unsigned i = 0; i < n_fds; i++)
		close(fds[i]);
	front_hang_up(&f);
	return ok;
}

static void expect(const struct message *m, const char *how, bool got, bool want)
{
	CU_ASSERT_EQUAL(got, want);
	if (got != want)
		printf("  %s, %s: %s\n", m->name, how, front_last_refusal(&f));
}

static void message__good_short_long_descriptors(void)
{
	unsigned before = front_count_fds();

	front_open(&f, true);
	for (unsigned i = 0; i < N_MESSAGES; i++) {
		const struct message *m = &messages[i];

		expect(m, "good", served(m, m->len, m->n_fds), true);
		if (m->len > 0)
			expect(m, "short", served(m, m->len - 1, m->n_fds), false);
		if (m->len > 0)
			expect(m, "empty", served(m, 0, m->n_fds), false);
		expect(m, "long", served(m, m->len + 1, m->n_fds), false);
		expect(m, "one descriptor more", served(m, m->len, m->n_fds + 1u), m->fd_is_good);
		expect(m, "eight descriptors", served(m, m->len, 8), false);
		if (m->n_fds > 0)
			expect(m, "one descriptor less", served(m, m->len, m->n_fds - 1u), false);
	}
	front_close(&f);
	CU_ASSERT_EQUAL(front_count_fds(), before);
}

/* Values that are wrong by themselves. */
static void message__bad_values(void)
{
	static const struct message bad[] = {
		{ VHOST_USER_SET_FEATURES, "legacy", 8, .p.u64 = VIRTIO_BIT(VIRTIO_NET_F_MAC) },
		{ VHOST_USER_SET_FEATURES, "not offered", 8,
		  .p.u64 = VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_NET_F_RSS) },
		{ VHOST_USER_SET_FEATURES, "logging", 8,
		  .p.u64 = VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VHOST_F_LOG_ALL) },
		{ VHOST_USER_SET_PROTOCOL_FEATURES, "not offered", 8, .p.u64 = 1 << 11 },
		{ VHOST_USER_SET_VRING_NUM, "index", 8, .p.state = { 2 * FRONT_PAIRS + 1, 256 } },
		{ VHOST_USER_SET_VRING_NUM, "index at the end", 8, .p.state = { UINT32_MAX, 256 } },
		{ VHOST_USER_SET_VRING_NUM, "zero", 8, .p.state = { 1, 0 } },
		{ VHOST_USER_SET_VRING_NUM, "more than 32768", 8, .p.state = { 1, 32769 } },
		{ VHOST_USER_SET_VRING_NUM, "more than the port has", 8, .p.state = { 1, 257 } },
		{ VHOST_USER_SET_VRING_NUM, "65536 and 256", 8, .p.state = { 1, 65792 } },
		{ VHOST_USER_SET_VRING_ADDR, "index", 40, .p.addr = { 255, 0, 0, 0, 0, 0 } },
		{ VHOST_USER_SET_VRING_ADDR, "logging", 40, .p.addr = { 1, 1, 0, 0, 0, 0 } },
		{ VHOST_USER_SET_VRING_BASE, "index", 8, .p.state = { 129, 0 } },
		{ VHOST_USER_GET_VRING_BASE, "index", 8, .replies = true, .p.state = { 9, 0 } },
		{ VHOST_USER_SET_VRING_ENABLE, "index", 8, .p.state = { 9, 1 } },
		{ VHOST_USER_SET_VRING_ENABLE, "two", 8, .p.state = { 1, 2 } },
		{ VHOST_USER_SET_VRING_KICK, "index", 8, 1, EVENT, .p.u64 = 9 },
		{ VHOST_USER_SET_VRING_KICK, "no ring set up", 8, 1, EVENT, .p.u64 = 1 },
		{ VHOST_USER_SET_VRING_KICK, "no ring set up, no descriptor", 8, .p.u64 = 0x101 },
		{ VHOST_USER_SET_VRING_KICK, "high bits", 8, 1, EVENT, .p.u64 = 0x100000001 },
		{ VHOST_USER_SET_VRING_CALL, "a descriptor where none is", 8, 1, EVENT, .p.u64 = 0x101 },
		{ VHOST_USER_SET_VRING_CALL, "no descriptor where one is", 8, .p.u64 = 1 },
		{ VHOST_USER_SET_VRING_CALL, "a file", 8, 1, MEMORY, .p.u64 = 1 },
		{ VHOST_USER_SET_VRING_ERR, "a socket", 8, 1, SOCKET, .p.u64 = 1 },
		{ VHOST_USER_SET_BACKEND_REQ_FD, "an eventfd", 0, 1, EVENT },
		{ VHOST_USER_SET_STATUS, "nine bits", 8, .p.u64 = 256 },
		{ VHOST_USER_NET_SET_MTU, "67", 8, .p.u64 = 67 },
		{ VHOST_USER_NET_SET_MTU, "above ours", 8, .p.u64 = 1501 },
		{ VHOST_USER_NET_SET_MTU, "a lot", 8, .p.u64 = UINT64_MAX },
		{ VHOST_USER_SEND_RARP, "group address", 8, .p.u64 = 1 },
		{ VHOST_USER_SET_CONFIG, "MAC", 18, .p.config = { 0, 6, 0, { 2 } } },
		{ VHOST_USER_GET_CONFIG, "beyond the end", 18, .replies = true, .p.config = { 25, 6, 0, { 0 } } },
		{ VHOST_USER_GET_CONFIG, "offset wraps", 18, .replies = true, .p.config = { UINT32_MAX, 6, 0, { 0 } } },
		{ VHOST_USER_GET_CONFIG, "size lies", 18, .replies = true, .p.config = { 0, 7, 0, { 0 } } },
		{ VHOST_USER_GET_CONFIG, "size huge", 18, .replies = true, .p.config = { 0, UINT32_MAX, 0, { 0 } } },
		{ VHOST_USER_SET_MEM_TABLE, "more regions than descriptors", 72, 1, MEMORY,
		  .p.memory = { 2, 0, { { 0x10000, 0x10000, 0x10000, 0 }, { 0x20000, 0x10000, 0x20000, 0 } } } },
		{ VHOST_USER_SET_MEM_TABLE, "less regions than descriptors", 40, 2, MEMORY,
		  .p.memory = { 1, 0, { { 0x10000, 0x10000, 0x10000, 0 } } } },
		{ VHOST_USER_SET_MEM_TABLE, "count that wraps the size", 40, 1, MEMORY,
		  .p.memory = { 0x08000001, 0, { { 0x10000, 0x10000, 0x10000, 0 } } } },
		{ VHOST_USER_SET_MEM_TABLE, "file too short", 40, 1, MEMORY,
		  .p.memory = { 1, 0, { { 0x10000, 0x10001, 0x10000, 0 } } } },
		{ VHOST_USER_SET_MEM_TABLE, "an eventfd", 40, 1, EVENT,
		  .p.memory = { 1, 0, { { 0x10000, 0x10000, 0x10000, 0 } } } },
		{ VHOST_USER_ADD_MEM_REG, "overlap", 40, 1, MEMORY, .p.mem_reg = { 0, { 0x10f000, 0x2000, 0x900000, 0 } } },
		{ VHOST_USER_REM_MEM_REG, "none such", 40, .p.mem_reg = { 0, { 0x100000, 0xf000, 0x100000, 0 } } },
		{ VHOST_USER_SET_LOG_BASE, "not offered", 16 },
		{ VHOST_USER_SET_LOG_FD, "not offered", 0, 1, EVENT },
		{ VHOST_USER_IOTLB_MSG, "not offered", 40 },
		{ VHOST_USER_SET_VRING_ENDIAN, "not offered", 8 },
		{ VHOST_USER_SET_INFLIGHT_FD, "no rings", 24, 1, MEMORY, .p.inflight = { 0x8000, 0, 0, 64, 0 } },
		{ 0, "request 0", 0, 8, MEMORY },
		{ 41, "request 41", 8 },
		{ UINT32_MAX, "request at the end", 8, 3, MEMORY },
	};
	unsigned before = front_count_fds();

	front_open(&f, true);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect(&bad[i], "bad", served(&bad[i], bad[i].len, bad[i].n_fds), false);
	front_close(&f);
	CU_ASSERT_EQUAL(front_count_fds(), before);
}

static void message__answers(void)
{
	struct vhost_user_config c = { 0, 12, 0, { 0 } };
	struct vhost_user_vring_state s = { 3, 0 };
	struct front_reply r;

	front_open(&f, true);
	ready();
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_QUEUE_NUM, NULL, 0, &r), 1);
	CU_ASSERT_EQUAL(r.p.u64, FRONT_PAIRS);
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_MAX_MEM_SLOTS, NULL, 0, &r), 1);
	CU_ASSERT_EQUAL(r.p.u64, VNICD_REGIONS);
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_CONFIG, &c, 24, &r), 1);
	CU_ASSERT_EQUAL(r.h.size, 24);
	CU_ASSERT(r.p.config.size == 12 && r.p.config.data[0] == 2 && r.p.config.data[8] == FRONT_PAIRS);
	c.offset = 100;
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_CONFIG, &c, 24, &r), 1);
	CU_ASSERT_EQUAL(r.h.size, 0);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_BASE, 3, 77), 0);
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_VRING_BASE, &s, 8, &r), 1);
	CU_ASSERT(r.p.state.index == 3 && r.p.state.num == 77);
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_STATUS, 3), 0);
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_STATUS, NULL, 0, &r), 1);
	CU_ASSERT_EQUAL(r.p.u64, 3);
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SEND_RARP, 0x060504030202), 0);
	CU_ASSERT_EQUAL(f.rarps, 1);
	front_close(&f);
}

/* FEATURES_OK is not to be had for features that were refused. */
static void status__features_refused(void)
{
	struct front_reply r;

	front_open(&f, true);
	ready();
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_STATUS, 0), 0);
	CU_ASSERT_NOT_EQUAL(front_set_u64(&f, VHOST_USER_SET_FEATURES, 1), 0);
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_STATUS, 11), 0);
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_STATUS, NULL, 0, &r), 1);
	CU_ASSERT_EQUAL(r.p.u64, 3);
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_FEATURES, VIRTIO_BIT(VIRTIO_F_VERSION_1)), 0);
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_STATUS, 11), 0);
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_STATUS, NULL, 0, &r), 1);
	CU_ASSERT_EQUAL(r.p.u64, 11);
	front_close(&f);
}

/* Whose control queue it is decides what of its features reaches the device. */
static void set_features__control_queue(void)
{
	uint64_t all = FRONT_FEATURES | FRONT_BIT30, ctrl = VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) |
		       VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_VLAN);
	uint64_t ours = UINT64_C(1) << VHOST_USER_PROTOCOL_F_SMCGATE_CTRL_VQ;

	front_open(&f, true);
	front_connect(&f);
	CU_ASSERT((front_protocol(&f) & ours) != 0);
	front_handshake(&f, front_protocol(&f), all);
	CU_ASSERT_EQUAL(f.nic.driver_features, FRONT_FEATURES);
	front_hang_up(&f);
	CU_ASSERT_EQUAL(f.nic.driver_features, 0);
	front_connect(&f);
	front_handshake(&f, front_protocol(&f) & ~ours, all);
	CU_ASSERT_EQUAL(f.nic.driver_features, FRONT_FEATURES & ~ctrl);
	CU_ASSERT_EQUAL(f.nic.active_pairs, FRONT_PAIRS);
	front_close(&f);
}

/* Any message at any time, with any descriptors: served or refused, and nothing is left open. */
static void message__every_order(void)
{
	unsigned before = front_count_fds();
	uint64_t seed = 1;
	int fds[8];

	front_open(&f, true);
	for (unsigned i = 0; i < 8; i++)
		fds[i] = i < 4 ? eventfd(0, EFD_CLOEXEC) : front_file(0x10000);
	for (unsigned n = 0; n < 20000; n++) {
		const struct message *m = &messages[test_random(&seed) % N_MESSAGES];
		union vhost_user_payload p = m->p;
		uint32_t request = m->request, flags = VHOST_USER_VERSION | (n & 1 ? VHOST_USER_NEED_REPLY : 0);
		unsigned n_fds = m->n_fds, first = m->kind == MEMORY ? 4 : 0;
		struct front_reply r;

		if (f.sock < 0) {
			front_connect(&f);
			front_handshake(&f, front_protocol(&f), VIRTIO_BIT(VIRTIO_F_VERSION_1) | FRONT_BIT30);
		}
		if (request == VHOST_USER_SET_VRING_CALL && test_random(&seed) % 2)
			request = VHOST_USER_SET_VRING_KICK;
		if (test_random(&seed) % 8 == 0)
			((uint8_t *)&p)[test_random(&seed) % 40] = (uint8_t)test_random(&seed);
		if (test_random(&seed) % 32 == 0)
			n_fds = test_random(&seed) % 5;
		front_send(&f, request, flags, &p, m->len, fds + first, n_fds);
		front_pump(&f);
		if (front_receive(&f, &r) < 0 || test_random(&seed) % 512 == 0)
			front_hang_up(&f);
	}
	for (unsigned i = 0; i < 8; i++)
		close(fds[i]);
	front_close(&f);
	CU_ASSERT_EQUAL(front_count_fds(), before);
}

static const struct test_case cases[] = {
	TEST_CASE(message__good_short_long_descriptors),
	TEST_CASE(message__bad_values),
	TEST_CASE(message__answers),
	TEST_CASE(status__features_refused),
	TEST_CASE(set_features__control_queue),
	TEST_CASE(message__every_order),
};
TEST_MAIN("vnicd back end, messages", cases)
