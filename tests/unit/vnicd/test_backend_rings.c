/* SPDX-License-Identifier: BSD-3-Clause */
/* Rings over the protocol: set up, used, moved, stopped one by one, broken. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/driver.h"
#include "tests/unit/vnicd/front.h"

static struct front f;
static struct drv d; /* the driver of ring 1; its own device side is not used */
static struct iovec iov[VNICD_CHAIN_MAX];

#define TX 1u
#define BASE_FEATURES (VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(VIRTIO_NET_F_MQ))

static int share_memory(uint64_t guest)
{
	struct vhost_user_memory table = { 1, 0, { { guest, DRV_LEN, DRV_USER, 0 } } };

	return front_set(&f, VHOST_USER_SET_MEM_TABLE, &table, 40, &d.fd, 1);
}

static int set_addr(uint32_t index, uint64_t off)
{
	struct vhost_user_vring_addr a = { index, 0, DRV_USER + DRV_DESC + off, DRV_USER + DRV_DEVICE + off,
					   DRV_USER + DRV_DRIVER + off, 0 };

	return front_set(&f, VHOST_USER_SET_VRING_ADDR, &a, sizeof(a), NULL, 0);
}

/* Everything but KICK. */
static void set_up(uint32_t index, uint64_t off)
{
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_NUM, index, d.size), 0);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_BASE, index, d.packed ? 0x8000 : 0), 0);
	CU_ASSERT_EQUAL(set_addr(index, off), 0);
}

static void begin(bool packed, uint64_t more_features, uint64_t bit30)
{
	uint64_t features = BASE_FEATURES | more_features | bit30;

	front_open(&f, true);
	front_connect(&f);
	if (packed)
		features |= VIRTIO_BIT(VIRTIO_F_RING_PACKED);
	drv_init(&d, 8, packed, false, false);
	front_handshake(&f, front_protocol(&f), features);
	CU_ASSERT_EQUAL(share_memory(DRV_GUEST), 0);
}

static void end(void)
{
	front_close(&f);
	drv_fini(&d);
}

/* A packet of 60 octets is sent: taken by the device, given back, and the driver hears of it. */
static void send_one(int kick, int call)
{
	struct drv_buf buf[2] = { { DRV_GUEST + DRV_BUFFERS, 12, false }, { DRV_GUEST + DRV_BUFFERS + 4096, 60, false } };
	struct vnicd_frame frame;
	eventfd_t n;
	uint32_t len;

	CU_ASSERT_FATAL(drv_post(&d, buf, 2, false) >= 0);
	if (kick >= 0) {
		uint64_t kicks = f.nic.queue[TX].ring.kicks;

		CU_ASSERT_TRUE(drv_should_kick(&d));
		eventfd_write(kick, 1);
		front_pump(&f);
		CU_ASSERT_EQUAL(f.nic.queue[TX].ring.kicks, kicks + 1);
	}
	CU_ASSERT_EQUAL_FATAL(vnicd_nic_take(&f.nic, 0, &frame, iov, VNICD_CHAIN_MAX), 1);
	CU_ASSERT_EQUAL(frame.len, 60);
	vnicd_nic_taken(&f.nic, 0);
	vnicd_nic_flush(&f.nic);
	CU_ASSERT(drv_take(&d, &len) >= 0);
	CU_ASSERT_EQUAL(eventfd_read(call, &n), 0);
}

static void start_tx(int kick, int call)
{
	set_up(TX, 0);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_CALL, TX, call), 0);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick), 0);
	CU_ASSERT_TRUE(f.nic.queue[TX].ring.running);
}

static void ring__carries_packets(void)
{
	unsigned before = front_count_fds();

	for (unsigned k = 0; k < 2; k++) {
		int kick = eventfd(0, 0), call = eventfd(0, EFD_NONBLOCK); /* a blocking one does not hold us up */

		begin(k, 0, FRONT_BIT30);
		start_tx(kick, call);
		CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_ENABLE, TX, 1), 0);
		for (unsigned i = 0; i < 50; i++)
			send_one(kick, call);
		end();
		close(kick);
		close(call);
	}
	CU_ASSERT_EQUAL(front_count_fds(), before);
}

/* Bit 30 acknowledged or not decides whether rings wait for ENABLE. */
static void ring__enabled(void)
{
	int kick = eventfd(0, EFD_NONBLOCK), call = eventfd(0, EFD_NONBLOCK);

	begin(false, 0, 0);
	start_tx(kick, call);
	CU_ASSERT_TRUE(f.nic.queue[TX].enabled);
	send_one(kick, call);
	end();
	begin(false, 0, FRONT_BIT30);
	start_tx(kick, call);
	CU_ASSERT_FALSE(f.nic.queue[TX].enabled);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_ENABLE, TX, 1), 0);
	send_one(kick, call);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_ENABLE, TX, 0), 0);
	CU_ASSERT_FALSE(f.nic.queue[TX].enabled);
	end();
	close(kick);
	close(call);
}

/* The control queue is at 2 x pairs, and serves without ENABLE. */
static void ring__control_queue(void)
{
	uint64_t features = VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX);
	int kick = eventfd(0, EFD_NONBLOCK), call = eventfd(0, EFD_NONBLOCK);
	uint8_t *at;
	eventfd_t n;
	uint32_t len;

	begin(false, features, FRONT_BIT30);
	set_up(2 * FRONT_PAIRS, 0);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_CALL, 2 * FRONT_PAIRS, call), 0);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, 2 * FRONT_PAIRS, kick), 0);
	at = drv_at(&d, DRV_BUFFERS);
	at[2] = 1; /* class and command 0: PROMISC on */
	at[3] = 0x77;
	drv_post(&d, (struct drv_buf[]){ { DRV_GUEST + DRV_BUFFERS, 3, false }, { DRV_GUEST + DRV_BUFFERS + 3, 1, true } },
		 2, false);
	vnicd_nic_ctrl(&f.nic);
	vnicd_nic_flush(&f.nic);
	CU_ASSERT_EQUAL(at[3], VIRTIO_NET_OK);
	CU_ASSERT_TRUE(f.nic.promisc);
	CU_ASSERT(drv_take(&d, &len) >= 0);
	CU_ASSERT_EQUAL(eventfd_read(call, &n), 0);
	end();
	close(kick);
	close(call);
}

static void ring__kick_needs_everything_before(void)
{
	int kick = eventfd(0, EFD_NONBLOCK);
	unsigned before;

	begin(false, 0, FRONT_BIT30);
	before = front_count_fds();
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick), 1);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_NUM, TX, 8), 0);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick), 1);
	CU_ASSERT_EQUAL(set_addr(TX, DRV_LEN - DRV_DEVICE - 8), 0);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick), 1); /* outside of the memory */
	CU_ASSERT_EQUAL(set_addr(TX, 0), 0);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_NUM, TX, 7), 0);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick), 1); /* no power of two */
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_NUM, TX, 8), 0);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_BASE, TX, 0x80008000), 0);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick), 1); /* base of a packed ring */
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_BASE, TX, 0), 0);
	f.refuse_watch = true;
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick), 1);
	f.refuse_watch = false;
	CU_ASSERT_FALSE(f.nic.queue[TX].ring.running);
	CU_ASSERT_EQUAL(front_count_fds(), before);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick), 0);
	CU_ASSERT_EQUAL(front_count_fds(), before + 1);
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_STATUS, 0), 0); /* features are gone with it */
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick), 1);
	end();
	close(kick);
}

static void ring__running_is_left_alone(void)
{
	int kick = eventfd(0, EFD_NONBLOCK), call = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);
	unsigned before;

	begin(false, 0, 0);
	start_tx(kick, call);
	before = front_count_fds();
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_NUM, TX, 4), 1);
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_BASE, TX, 4), 1);
	CU_ASSERT_EQUAL(set_addr(TX, 64), 1);
	CU_ASSERT_STRING_EQUAL(front_last_refusal(&f), "SET_VRING_ADDR: ring 1 is running");
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_FEATURES, VIRTIO_BIT(VIRTIO_F_VERSION_1)), 1);
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_FEATURES, BASE_FEATURES), 0); /* the same again */
	CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_PROTOCOL_FEATURES, 0), 1);
	send_one(kick, call);
	/* but its descriptors may be replaced */
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, other), 0);
	send_one(other, call);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_CALL, TX, kick), 0);
	send_one(other, kick);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_ERR, TX, kick), 0);
	CU_ASSERT_EQUAL(front_count_fds(), before + 1);
	CU_ASSERT_FALSE(vnicd_backend_must_poll(f.b));
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX | VHOST_USER_VRING_NOFD, -1), 0);
	CU_ASSERT_TRUE(vnicd_backend_must_poll(f.b));
	send_one(-1, kick);
	CU_ASSERT_EQUAL(front_count_fds(), before);
	end();
	CU_ASSERT_EQUAL(front_count_fds(), before - 6); /* of the driver, the socket pair, the listener, KICK and CALL */
	close(kick);
	close(call);
	close(other);
}

static void ring__stopped_alone_and_resumed(void)
{
	for (unsigned k = 0; k < 2; k++) {
		struct vhost_user_vring_state s = { TX, 0 };
		int kick = eventfd(0, EFD_NONBLOCK), call = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);
		struct vnicd_queue_stats q;
		struct front_reply r;

		begin(k, 0, 0);
		start_tx(kick, call);
		set_up(0, 0x40000);
		CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, 0, other), 0);
		for (unsigned i = 0; i < 11; i++) {
			for (unsigned j = 0; j < i % 4; j++)
				send_one(kick, call);
			s.num = 0;
			CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_VRING_BASE, &s, 8, &r), 1);
			CU_ASSERT_FALSE(f.nic.queue[TX].ring.running);
			CU_ASSERT_TRUE(f.nic.queue[0].ring.running);
			/* with both halves, or as one that knows the lower only */
			if (i & 1)
				r.p.state.num &= 0xffff;
			CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_BASE, TX, r.p.state.num), 0);
			CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick), 0);
		}
		/* The counters go on over it. */
		vnicd_nic_queue_stats(&f.nic, TX, &q);
		CU_ASSERT(q.packets == 15 && q.notifications == 15);
		end();
		close(kick);
		close(call);
		close(other);
	}
}

/* The table is sent again while rings run: they go on in the new mappings, or stop. */
static void ring__memory_moves(void)
{
	int kick = eventfd(0, EFD_NONBLOCK), call = eventfd(0, EFD_NONBLOCK), err = eventfd(0, EFD_NONBLOCK);
	struct vhost_user_mem_reg reg = { 0, { DRV_GUEST, DRV_LEN, DRV_USER, 0 } };
	struct vnicd_frame frame;
	eventfd_t n;

	begin(false, 0, 0);
	start_tx(kick, call);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_ERR, TX, err), 0);
	send_one(kick, call);
	CU_ASSERT_EQUAL(share_memory(DRV_GUEST), 0);
	send_one(kick, call);
	CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_REM_MEM_REG, &reg, sizeof(reg), NULL, 0), 0);
	CU_ASSERT_FALSE(f.nic.queue[TX].ring.running);
	CU_ASSERT_EQUAL(vnicd_nic_take(&f.nic, 0, &frame, iov, VNICD_CHAIN_MAX), -EPROTO);
	CU_ASSERT_EQUAL(eventfd_read(err, &n), 0);
	CU_ASSERT_STRING_EQUAL(front_last_refusal(&f), "ring 1: address_outside_memory");
	CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_ADD_MEM_REG, &reg, sizeof(reg), &d.fd, 1), 0);
	end();
	close(kick);
	close(call);
	close(err);
}

/* A ring that broke is told once, and works again after GET_VRING_BASE and a new start. */
static void ring__error_and_cure(void)
{
	int kick = eventfd(0, EFD_NONBLOCK), call = eventfd(0, EFD_NONBLOCK), err = eventfd(0, EFD_NONBLOCK);
	struct vhost_user_vring_state s = { TX, 0 };
	struct front_reply r;
	struct vnicd_frame frame;
	eventfd_t n;

	begin(false, 0, 0);
	start_tx(kick, call);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_ERR, TX, err), 0);
	drv_avail(&d)->ring[0] = 99;
	drv_avail(&d)->idx = 1;
	vnicd_nic_take(&f.nic, 0, &frame, iov, VNICD_CHAIN_MAX);
	front_pump(&f);
	front_pump(&f);
	CU_ASSERT(eventfd_read(err, &n) == 0 && n == 1);
	CU_ASSERT(f.broken == 1 && f.last_broken == TX);
	CU_ASSERT_STRING_EQUAL(front_last_refusal(&f), "ring 1: head_out_of_range");
	CU_ASSERT_EQUAL(set_addr(TX, 0), 1); /* broken is not stopped */
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_VRING_BASE, &s, 8, &r), 1);
	drv_avail(&d)->idx = 0;
	CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_BASE, TX, 0), 0);
	CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_KICK, TX, kick), 0);
	send_one(kick, call);
	end();
	close(kick);
	close(call);
	close(err);
}

static void ring__device_reset(void)
{
	int kick = eventfd(0, EFD_NONBLOCK), call = eventfd(0, EFD_NONBLOCK);

	begin(false, 0, FRONT_BIT30);
	for (unsigned k = 0; k < 3; k++) {
		start_tx(kick, call);
		CU_ASSERT_EQUAL(front_set_state(&f, VHOST_USER_SET_VRING_ENABLE, TX, 1), 0);
		if (k == 2) {
			CU_ASSERT_EQUAL(front_set_u64(&f, VHOST_USER_SET_STATUS, 0), 0);
		} else {
			uint32_t how = k ? VHOST_USER_RESET_OWNER : VHOST_USER_RESET_DEVICE;

			CU_ASSERT_EQUAL(front_set(&f, how, NULL, 0, NULL, 0), 0);
		}
		CU_ASSERT_FALSE(f.nic.queue[TX].ring.running);
		CU_ASSERT_FALSE(f.nic.queue[TX].enabled);
		CU_ASSERT_EQUAL(f.nic.driver_features, k == 2 ? 0 : BASE_FEATURES);
		CU_ASSERT_EQUAL(f.nic.memory.n, 1);
	}
	end();
	close(kick);
	close(call);
}

/* The driver's memory shrinks under the device: no signal, the connection ends. */
static void memory__cut_short(void)
{
	unsigned before = front_count_fds();

	for (unsigned k = 0; k < 2; k++) {
		int kick = eventfd(0, EFD_NONBLOCK), call = eventfd(0, EFD_NONBLOCK);
		struct vnicd_frame frame;

		begin(k, 0, 0);
		start_tx(kick, call);
		send_one(kick, call);
		CU_ASSERT_EQUAL(ftruncate(d.fd, 0), 0);
		CU_ASSERT(vnicd_nic_take(&f.nic, 0, &frame, iov, VNICD_CHAIN_MAX) <= 0);
		CU_ASSERT_TRUE(f.nic.memory.torn);
		vnicd_nic_flush(&f.nic);
		front_pump(&f);
		CU_ASSERT_FALSE(vnicd_backend_connected(f.b));
		CU_ASSERT_STRING_EQUAL(front_last_refusal(&f), "a file of the memory table was cut short");
		end();
		close(kick);
		close(call);
	}
	CU_ASSERT_EQUAL(front_count_fds(), before);
}

static void fill(int fd)
{
	CU_ASSERT_EQUAL(fcntl(fd, F_SETFL, 0), 0); /* blocking, for the back end, too */
	CU_ASSERT_EQUAL(eventfd_write(fd, UINT64_C(0xfffffffffffffffd)), 0);
	CU_ASSERT_EQUAL(eventfd_write(fd, 1), 0);
}

/* Eventfds that would make us wait for ever: the connection ends, soon. */
static void ring__eventfd_that_blocks(void)
{
	unsigned before = front_count_fds();

	for (unsigned how = 0; how < 3; how++) {
		int kick = eventfd(0, EFD_NONBLOCK), call = eventfd(0, EFD_NONBLOCK), err = eventfd(0, EFD_NONBLOCK);
		struct vnicd_frame frame;

		begin(false, 0, 0);
		start_tx(kick, call);
		CU_ASSERT_EQUAL(front_set_fd(&f, VHOST_USER_SET_VRING_ERR, TX, err), 0);
		send_one(kick, call);
		if (how == 0) { /* each side has taken the same file: its own read is not in the way */
			CU_ASSERT_EQUAL(fcntl(kick, F_SETFL, 0), 0);
			for (unsigned i = 0; i < f.n_watched; i++)
				vnicd_backend_event(f.b, f.watched[i] == f.sock ? -1 : f.watched[i]);
		} else if (how == 1) {
			struct drv_buf buf = { DRV_GUEST + DRV_BUFFERS, 72, false };

			fill(call);
			drv_post(&d, &buf, 1, false);
			CU_ASSERT_EQUAL(vnicd_nic_take(&f.nic, 0, &frame, iov, VNICD_CHAIN_MAX), 1);
			vnicd_nic_taken(&f.nic, 0);
			vnicd_nic_flush(&f.nic);
		} else {
			fill(err);
			drv_avail(&d)->idx = 99;
			vnicd_nic_take(&f.nic, 0, &frame, iov, VNICD_CHAIN_MAX);
			vnicd_backend_timer(f.b, f.now);
		}
		front_pump(&f);
		CU_ASSERT_FALSE(vnicd_backend_connected(f.b));
		CU_ASSERT_STRING_EQUAL(front_last_refusal(&f), "an eventfd of the front end's makes us wait");
		end();
		close(kick);
		close(call);
		close(err);
	}
	CU_ASSERT_EQUAL(front_count_fds(), before);
}

static const struct test_case cases[] = {
	TEST_CASE(ring__carries_packets),
	TEST_CASE(ring__enabled),
	TEST_CASE(ring__control_queue),
	TEST_CASE(ring__kick_needs_everything_before),
	TEST_CASE(ring__running_is_left_alone),
	TEST_CASE(ring__stopped_alone_and_resumed),
	TEST_CASE(ring__memory_moves),
	TEST_CASE(ring__error_and_cure),
	TEST_CASE(ring__device_reset),
	TEST_CASE(memory__cut_short),
	TEST_CASE(ring__eventfd_that_blocks),
};
TEST_MAIN("vnicd back end, rings", cases)
