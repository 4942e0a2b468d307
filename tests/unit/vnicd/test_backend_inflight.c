/* SPDX-License-Identifier: BSD-3-Clause */
/* GET_INFLIGHT_FD and SET_INFLIGHT_FD: what one connection left under way, the next one goes on with. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/vnicd/dev/ring_track.h"
#include "tests/unit/test.h"
#include "tests/unit/vnicd/driver.h"
#include "tests/unit/vnicd/front.h"

#define TX 1u
#define RINGS (2u * FRONT_PAIRS + 1)
#define FEATURES (VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_NET_F_MQ))
#define PACKED VIRTIO_BIT(VIRTIO_F_RING_PACKED)

static struct front f;
static struct drv d;
static struct iovec iov[VNICD_CHAIN_MAX];

/* The answer and its descriptor, -1: there is none. */
static int get_inflight(struct vhost_user_inflight *i)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct vhost_user_header h;
	struct iovec v[2] = { { &h, sizeof(h) }, { i, sizeof(*i) } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control) };
	int fd = -1;

	front_send(&f, VHOST_USER_GET_INFLIGHT_FD, VHOST_USER_VERSION, i, sizeof(*i), NULL, 0);
	front_pump(&f);
	CU_ASSERT_EQUAL_FATAL(recvmsg(f.sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), (ssize_t)(sizeof(h) + sizeof(*i)));
	CU_ASSERT(h.request == VHOST_USER_GET_INFLIGHT_FD && h.size == sizeof(*i));
	if (CMSG_FIRSTHDR(&m) != NULL)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

static int set_inflight(const struct vhost_user_inflight *i, int fd)
{
	return front_set(&f, VHOST_USER_SET_INFLIGHT_FD, i, sizeof(*i), &fd, fd >= 0 ? 1 : 0);
}

static void greet(bool packed)
{
	struct vhost_user_memory table = { 1, 0, { { DRV_GUEST, DRV_LEN, DRV_USER, 0 } } };

	front_connect(&f);
	front_handshake(&f, front_protocol(&f), FEATURES | (packed ? PACKED : 0));
	CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_SET_MEM_TABLE, &table, 40, &d.fd, 1), 0);
}

static int start_tx(int kick)
{
	struct vhost_user_vring_addr a = { TX, 0, DRV_USER + DRV_DESC, DRV_USER + DRV_DEVICE, DRV_USER + DRV_DRIVER, 0 };

	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_NUM, TX, d.size), 0);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_BASE, TX, d.packed ? 0x8000 : 0), 0);
	CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_SET_VRING_ADDR, &a, sizeof(a), NULL, 0), 0);
	return front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick);
}

static void post_packet(uint32_t len)
{
	struct drv_buf buf[2] = { { DRV_GUEST + DRV_BUFFERS, 12, false }, { DRV_GUEST + DRV_BUFFERS + 4096, len, false } };

	CU_ASSERT_FATAL(drv_post(&d, buf, 2, false) >= 0);
}

/* Takes the next packet, of this length. */
static void take_packet(uint32_t len)
{
	struct vnicd_frame frame;

	CU_ASSERT_EQUAL_FATAL(vnicd_nic_take(&f.nic, 0, &frame, iov, VNICD_CHAIN_MAX), 1);
	CU_ASSERT_EQUAL(frame.len, len);
}

static unsigned taken_back(void)
{
	uint32_t len;
	unsigned n = 0;

	while (drv_take(&d, &len) >= 0)
		n++;
	return n;
}

static void inflight__goes_on(void)
{
	unsigned before = front_count_fds();

	for (unsigned k = 0; k < 2; k++) {
		struct vhost_user_inflight i = { .num_queues = RINGS, .queue_size = 256 };
		int kick = eventfd(0, EFD_NONBLOCK), fd;
		struct vnicd_frame frame;

		front_open(&f, true);
		drv_init(&d, 8, k, false, false);
		greet(k);
		fd = get_inflight(&i);
		CU_ASSERT_FATAL(fd >= 0 && i.mmap_offset == 0 && i.mmap_size == RINGS * inflight_stride(256, k));
		CU_ASSERT_EQUAL(ftruncate(fd, 0), -1); /* it cannot be cut short */
		CU_ASSERT_EQUAL(set_inflight(&i, fd), 0);
		CU_ASSERT_EQUAL(start_tx(kick), 0);
		for (uint32_t n = 0; n < 3; n++)
			post_packet(100 + n);
		take_packet(100);
		vnicd_nic_taken(&f.nic, 0);
		vnicd_nic_flush(&f.nic);
		CU_ASSERT_EQUAL(taken_back(), 1);
		take_packet(101);
		/* With one taken the connection ends, and a packet more is there when it returns. */
		front_hang_up(&f);
		post_packet(103);
		greet(k);
		CU_ASSERT_EQUAL(set_inflight(&i, fd), 0);
		CU_ASSERT_EQUAL(start_tx(kick), 0);
		CU_ASSERT_EQUAL(f.nic.queue[TX].ring.track->n_again, 1);
		for (uint32_t n = 1; n < 4; n++)
			take_packet(100 + n);
		CU_ASSERT_EQUAL(vnicd_nic_take(&f.nic, 0, &frame, iov, VNICD_CHAIN_MAX), 0);
		vnicd_nic_flush(&f.nic);
		CU_ASSERT_EQUAL(taken_back(), 3);
		close(fd);
		close(kick);
		front_close(&f);
		drv_fini(&d);
	}
	CU_ASSERT_EQUAL(front_count_fds(), before);
}

/* GET_VRING_BASE and resets are no accidents: what comes then begins anew, though the memory is the same. */
static void inflight__ends_with_the_ring(void)
{
	for (unsigned how = 0; how < 3; how++) {
		struct vhost_user_inflight i = { .num_queues = RINGS, .queue_size = 8 };
		struct vhost_user_vring_state s = { TX, 0 };
		int kick = eventfd(0, EFD_NONBLOCK), fd;
		struct front_reply r;

		front_open(&f, true);
		drv_init(&d, 8, true, false, false);
		greet(true);
		fd = get_inflight(&i);
		CU_ASSERT_EQUAL(set_inflight(&i, fd), 0);
		CU_ASSERT_EQUAL(start_tx(kick), 0);
		post_packet(100);
		take_packet(100);
		if (how == 0) {
			CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_VRING_BASE, &s, 8, &r), 1);
		} else if (how == 1) {
			CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_RESET_DEVICE, NULL, 0, NULL, 0), 0);
		} else {
			front_hang_up(&f);
			greet(true); /* and does not bring it again */
		}
		drv_fini(&d);
		drv_init(&d, 8, true, false, false);
		{
			struct vhost_user_memory table = { 1, 0, { { DRV_GUEST, DRV_LEN, DRV_USER, 0 } } };

			CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_SET_MEM_TABLE, &table, 40, &d.fd, 1), 0);
		}
		CU_ASSERT_EQUAL(start_tx(kick), 0);
		CU_ASSERT(f.nic.queue[TX].ring.track == NULL ? how == 2 : f.nic.queue[TX].ring.track->n_again == 0);
		CU_ASSERT_EQUAL(vnicd_ring_waiting(&f.nic.queue[TX].ring), 0);
		close(fd);
		close(kick);
		front_close(&f);
		drv_fini(&d);
	}
}

static void inflight__refused(void)
{
	static const struct {
		const char *name;
		uint16_t queues, size;
		uint64_t offset;
		int64_t less;  /* octets of mmap_size */
		int file;      /* 0: right; 1: short; 2: a pipe; 3: none */
		int rc;
	} t[] = {
		{ "good", RINGS, 64, 0, 0, 0, 0 },
		{ "at an offset", RINGS, 64, 4096, 0, 0, 0 },
		{ "of two rings", 2, 64, 0, 0, 0, 0 },
		{ "no rings", 0, 64, 0, 0, 0, 1 },
		{ "too many rings", 0xffff, 64, 0, 0, 0, 1 },
		{ "no descriptors", RINGS, 0, 0, 0, 0, 1 },
		{ "too many descriptors", RINGS, 0x8001, 0, 0, 0, 1 },
		{ "one octet less", RINGS, 64, 0, 1, 0, 1 },
		{ "misaligned", RINGS, 64, 8, 0, 0, 1 },
		{ "offset wraps", RINGS, 64, UINT64_MAX - 63, 0, 0, 1 },
		{ "file too short", RINGS, 64, 0, 0, 1, 1 },
		{ "a pipe", RINGS, 64, 0, 0, 2, 1 },
		{ "no file", RINGS, 64, 0, 0, 3, 1 },
	};

	for (unsigned n = 0; n < sizeof(t) / sizeof(t[0]); n++) {
		uint64_t len = t[n].queues * inflight_stride(t[n].size, false);
		struct vhost_user_inflight i = { len - (uint64_t)t[n].less, t[n].offset, t[n].queues, t[n].size, 0 };
		int pipes[2], fd, rc;

		CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
		front_open(&f, true);
		drv_init(&d, 8, false, false, false);
		greet(false);
		fd = front_file(t[n].file == 1 ? len - 1 : len + 4096);
		rc = set_inflight(&i, t[n].file == 2 ? pipes[0] : t[n].file == 3 ? -1 : fd);
		CU_ASSERT_EQUAL(rc, t[n].rc);
		if (rc != t[n].rc)
			printf("  %s: %d\n", t[n].name, rc);
		close(fd);
		close(pipes[0]);
		close(pipes[1]);
		front_close(&f);
		drv_fini(&d);
	}
}

static void inflight__in_the_wrong_order(void)
{
	struct vhost_user_inflight i = { .num_queues = RINGS, .queue_size = 4 }, many = { .num_queues = 0xffff, .queue_size = 4 };
	int kick = eventfd(0, EFD_NONBLOCK), fd;
	struct front_reply r;

	front_open(&f, true);
	drv_init(&d, 8, false, false, false);
	front_connect(&f);
	CU_ASSERT_EQUAL(get_inflight(&i), -1); /* nobody knows of what kind rings will be */
	CU_ASSERT_EQUAL(i.mmap_size, 0);
	front_hang_up(&f);
	greet(false);
	CU_ASSERT_EQUAL(get_inflight(&many), -1);
	fd = get_inflight(&i);
	CU_ASSERT_EQUAL(set_inflight(&i, fd), 0);
	CU_ASSERT_EQUAL(start_tx(kick), 1); /* eight descriptors, memory for four */
	CU_ASSERT_STRING_EQUAL(front_last_refusal(&f), "SET_VRING_KICK: ring 1: not as SET_INFLIGHT_FD has it");
	close(fd);
	i.queue_size = 8;
	fd = get_inflight(&i);
	CU_ASSERT_EQUAL(set_inflight(&i, fd), 0);
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_FEATURES, FEATURES | PACKED), 0);
	CU_ASSERT_EQUAL(start_tx(kick), 1); /* of the other kind */
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_FEATURES, FEATURES), 0);
	CU_ASSERT_EQUAL(start_tx(kick), 0);
	CU_ASSERT_EQUAL(set_inflight(&i, fd), 1); /* rings are running */
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_VRING_BASE, &(struct vhost_user_vring_state){ TX, 0 }, 8, &r), 1);
	CU_ASSERT_EQUAL(set_inflight(&i, fd), 0);
	close(fd);
	close(kick);
	front_close(&f);
	drv_fini(&d);
}

/* Another one's file, cut short while it is in use: the connection ends, nothing else. */
static void inflight__cut_short(void)
{
	for (unsigned k = 0; k < 2; k++) {
		uint64_t len = RINGS * inflight_stride(1024, k);
		struct vhost_user_inflight i = { len, 0, RINGS, 1024, 0 };
		int kick = eventfd(0, EFD_NONBLOCK), fd = front_file(len);
		struct vnicd_frame frame;

		front_open(&f, true);
		drv_init(&d, 8, k, false, false);
		greet(k);
		CU_ASSERT_EQUAL(set_inflight(&i, fd), 0);
		CU_ASSERT_EQUAL(start_tx(kick), 0);
		post_packet(100);
		CU_ASSERT_EQUAL(ftruncate(fd, 0), 0);
		vnicd_nic_take(&f.nic, 0, &frame, iov, VNICD_CHAIN_MAX);
		vnicd_nic_taken(&f.nic, 0);
		vnicd_nic_flush(&f.nic);
		CU_ASSERT_TRUE(f.nic.memory.torn);
		front_pump(&f);
		CU_ASSERT_FALSE(vnicd_backend_connected(f.b));
		close(fd);
		close(kick);
		front_close(&f);
		drv_fini(&d);
	}
}

static void inflight__offered(void)
{
	struct vnicd_nic_conf conf = { .features = FRONT_FEATURES, .pairs = FRONT_PAIRS, .queue_size = 256, .mtu = 1500 };

	for (unsigned no = 0; no < 2; no++) {
		conf.no_inflight = no;
		front_open_with(&f, true, &conf);
		front_connect(&f);
		CU_ASSERT_EQUAL((front_protocol(&f) >> VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD) & 1, !no);
		front_close(&f);
	}
}

static const struct test_case cases[] = {
	TEST_CASE(inflight__offered),
	TEST_CASE(inflight__goes_on),
	TEST_CASE(inflight__ends_with_the_ring),
	TEST_CASE(inflight__refused),
	TEST_CASE(inflight__in_the_wrong_order),
	TEST_CASE(inflight__cut_short),
};
TEST_MAIN("vnicd back end, memory that outlives it", cases)
