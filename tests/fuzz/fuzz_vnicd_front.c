/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The input is a hostile vhost-user front end: messages with descriptors, what it writes into
 * shared memory before, between and while the device works, files it cuts short. The device carries
 * packets both ways and serves commands all the while. At the end nothing is left open.
 *
 * The input is a list of steps, one octet each and what it takes behind it:
 * see enum step. At its start stands what shortens the way to rings that run.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/vnicd/dev/ctrl_work.h"
#include "tests/unit/test.h"
#include "tests/unit/vnicd/front.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LEN   (UINT64_C(256) << 10)
#define GUEST UINT64_C(0x40000000)
#define USER  UINT64_C(0x7f0000000000)
#define F(f)  VIRTIO_BIT(VIRTIO_NET_F_##f)
#define R(f)  VIRTIO_BIT(VIRTIO_F_##f)

enum step {
	STEP_MESSAGE, /* request, flags, descriptors, length, payload */
	STEP_RAW,     /* length, octets of the stream */
	STEP_WRITE,   /* area, offset (2), length, octets of memory */
	STEP_POST,    /* ring, count: publish that many more chains of what lies there */
	STEP_RING,    /* ring, size: set up and start it in the usual way */
	STEP_WORK,    /* pair, kind: the device does a round of work */
	STEP_CUT,     /* length: the file is cut short */
	STEP_HANG_UP,
	STEP_WRONG,   /* kind, value: what the device does wrong on purpose */
	STEP_INFLIGHT, /* rings, descriptors: memory for what is under way, behind the rings */
	STEP_COUNT
};

static struct front f;
static struct vnicd_ctrl_work *ctrl;
static uint64_t now; /* nanoseconds */
static struct iovec iov[VNICD_CHAIN_MAX];
static uint8_t *mem;
static int file_fd, event_fd, channel[2];
static volatile uint32_t sum; /* of what was sent: every piece is read */

struct input {
	const uint8_t *p, *end;
};

static uint8_t octet(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static uint16_t two(struct input *in)
{
	uint8_t low = octet(in);

	return (uint16_t)(low | octet(in) << 8);
}

static uint32_t take(struct input *in, void *to, uint32_t len)
{
	uint32_t n = (uint32_t)(in->end - in->p) < len ? (uint32_t)(in->end - in->p) : len;

	memcpy(to, in->p, n);
	in->p += n;
	return n;
}

static void begin(void)
{
	static const struct vnicd_nic_conf conf = {
		.features = F(CSUM) | F(GUEST_CSUM) | F(CTRL_GUEST_OFFLOADS) | F(MTU) | F(MAC) | F(GUEST_TSO4) |
			    F(GUEST_TSO6) | F(GUEST_ECN) | F(HOST_TSO4) | F(HOST_TSO6) | F(HOST_ECN) | F(HOST_USO) |
			    F(GUEST_USO4) | F(GUEST_USO6) | F(MRG_RXBUF) | F(STATUS) | F(CTRL_VQ) | F(CTRL_RX) |
			    F(CTRL_VLAN) | F(CTRL_RX_EXTRA) | F(GUEST_ANNOUNCE) | F(MQ) | F(CTRL_MAC_ADDR) |
			    F(DEVICE_STATS) | F(VQ_NOTF_COAL) | F(NOTF_COAL) | F(HASH_REPORT) | F(RSS) |
			    F(SPEED_DUPLEX) | R(INDIRECT_DESC) | R(EVENT_IDX) | R(VERSION_1) | R(RING_PACKED) |
			    R(IN_ORDER) | R(RING_RESET),
		.pairs = 2, .queue_size = 256, .mac = { { 2, 0, 0, 0, 0, 1 } }, .mtu = 9000,
	};

	if (mem != NULL)
		return;
	file_fd = front_file(LEN);
	mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 0);
	event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (mem == MAP_FAILED || event_fd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
		abort();
	front_open_with(&f, true, &conf);
	if (vnicd_ctrl_work_create(&ctrl, &f.nic, &(struct vnicd_ctrl_conf){ 20, 30, 4, true }, 1) < 0)
		abort();
}

static void send_bytes(const void *data, size_t len, const int *fds, unsigned n_fds)
{
	char control[CMSG_SPACE(9 * sizeof(int))] = { 0 };
	struct iovec v = { (void *)(uintptr_t)data, len };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (n_fds > 0) {
		struct cmsghdr *c = (struct cmsghdr *)control;

		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		*c = (struct cmsghdr){ CMSG_LEN(n_fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	if (sendmsg(f.sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return; /* it was cut */
	front_pump(&f);
}

static void send_message(uint32_t request, uint8_t flags, const void *payload, uint32_t len, unsigned kind)
{
	struct {
		struct vhost_user_header h;
		uint8_t payload[300];
	} m = { .h = { request, VHOST_USER_VERSION ^ flags, len } };
	int fds[9] = { 0 };
	unsigned n_fds = kind & 15;

	if (n_fds > 9)
		n_fds = 0;
	for (unsigned i = 0; i < n_fds; i++)
		fds[i] = kind & 16 ? event_fd : kind & 32 ? channel[0] : file_fd;
	memcpy(m.payload, payload, len);
	send_bytes(&m, sizeof(m.h) + len, fds, n_fds);
}

/* The usual way, as far as the connection lets us. */
static void handshake(uint64_t protocol, uint64_t features)
{
	struct vhost_user_memory table = { 1, 0, { { GUEST, LEN, USER, 0 } } };

	send_message(VHOST_USER_SET_PROTOCOL_FEATURES, 0, &protocol, 8, 0);
	send_message(VHOST_USER_SET_FEATURES, 0, &features, 8, 0);
	send_message(VHOST_USER_SET_MEM_TABLE, 0, &table, 40, 1);
}

/* Ring i lies at i x 48 KiB: descriptors, driver's area, device's area. */
#define RING_AT(i) ((uint64_t)(i) * 0xc000)

static void start_ring(uint32_t i, uint32_t n)
{
	uint64_t at = USER + RING_AT(i), index = i;
	struct vhost_user_vring_state num = { i, n }, base = { i, 0 }, on = { i, 1 };
	struct vhost_user_vring_addr a = { i, 0, at, at + 0x5000, at + 0x4000, 0 };

	if (f.nic.driver_features & R(RING_PACKED))
		base.num = 0x8000;
	send_message(VHOST_USER_SET_VRING_NUM, 0, &num, 8, 0);
	send_message(VHOST_USER_SET_VRING_BASE, 0, &base, 8, 0);
	send_message(VHOST_USER_SET_VRING_ADDR, 0, &a, 40, 0);
	send_message(VHOST_USER_SET_VRING_CALL, 0, &index, 8, 16 | 1);
	send_message(VHOST_USER_SET_VRING_KICK, 0, &index, 8, 16 | 1);
	send_message(VHOST_USER_SET_VRING_ENABLE, 0, &on, 8, 0);
}

/* There for all to write: area 5 of STEP_WRITE. */
static void bring_inflight(uint16_t rings, uint16_t size)
{
	struct vhost_user_inflight i = { LEN - RING_AT(5), RING_AT(5), rings, size, 0 };

	send_message(VHOST_USER_SET_INFLIGHT_FD, 0, &i, sizeof(i), 1);
}

/* The driver makes n more chains available, whatever they say. */
static void post(uint32_t i, unsigned n)
{
	const struct vnicd_ring *r = &f.nic.queue[i].ring;
	uint8_t *at = mem + RING_AT(i);

	if (!r->running)
		return;
	if (!r->conf.packed) {
		((struct vring_avail *)(at + 0x4000))->idx = (uint16_t)(r->avail + n);
		return;
	}
	for (unsigned k = 0; k < n; k++) {
		unsigned slot = (r->avail + k) % r->conf.size;
		bool wrap = r->avail_wrap ^ (r->avail + k >= r->conf.size);
		struct vring_packed_desc *d = (struct vring_packed_desc *)at + slot;

		d->flags = (uint16_t)((d->flags & ~(VRING_PACKED_F_AVAIL | VRING_PACKED_F_USED)) |
				      vring_packed_avail_flags(wrap));
	}
}

/* A segment of TCP to be cut, a small one, or a broadcast, by kind. */
static void give(int queue, uint8_t kind)
{
	static uint8_t packet[4000] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0x0f, 0x92, 0, 0, 0x40, 0,
					64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 80, 0, 81, 0, 0, 0, 1, 0, 0, 0, 1,
					0x50, 0x10, 0xff, 0xff };
	struct iovec v[2] = { { packet, 700 }, { packet + 700, sizeof(packet) - 700 } };
	struct vnicd_frame frame = { .len = kind & 1 ? sizeof(packet) : 60, .n = kind & 1 ? 2 : 1, .iov = v };

	v[0].iov_len = kind & 1 ? 700 : 60;
	packet[0] = kind & 2 ? 0xff : 2;
	if (kind & 1)
		frame.hdr = (struct vnic_net_hdr){ VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_TCPV4, 54, 1000, 34, 16, 0 };
	vnicd_nic_give(&f.nic, queue, &frame);
}

static void reserve(uint16_t queue, uint8_t kind)
{
	struct vnicd_frame frame = { .len = 1u + kind };
	int n = vnicd_nic_reserve(&f.nic, queue, 1500, iov, VNICD_CHAIN_MAX);

	if (n <= 0)
		return;
	memset(iov[0].iov_base, 0xff, iov[0].iov_len);
	if (kind & 8)
		vnicd_nic_abort(&f.nic, queue);
	else
		vnicd_nic_commit(&f.nic, queue, &frame);
}

static void send_away(uint16_t pair)
{
	struct vnicd_frame frame;

	for (unsigned i = 0; i < 16 && vnicd_nic_take(&f.nic, pair, &frame, iov, VNICD_CHAIN_MAX) == 1; i++) {
		uint32_t left = frame.len;

		for (unsigned k = 0; k < frame.n; k++) {
			if (frame.iov[k].iov_len > left)
				abort();
			left -= (uint32_t)frame.iov[k].iov_len;
			for (size_t at = 0; at < frame.iov[k].iov_len; at += 61)
				sum += ((const uint8_t *)frame.iov[k].iov_base)[at];
		}
		if (left != 0)
			abort();
		if (frame.len > 0 && frame.n > 0 && i % 2 == 0)
			vnicd_nic_give(&f.nic, -1, &frame); /* back to who sent it */
		vnicd_nic_taken(&f.nic, pair);
	}
}

static void work(uint8_t pair, uint8_t kind)
{
	pair &= 1;
	now += 1000 * kind;
	f.now = now / 1000000;
	vnicd_ctrl_work_run(ctrl, now);
	send_away(pair);
	give(kind & 4 ? -1 : pair, kind);
	reserve(pair, kind);
	vnicd_nic_flush(&f.nic);
	for (unsigned i = 0; i < 5; i++)
		vnicd_ring_want_kick(&f.nic.queue[i].ring, kind & 16);
	if (vnicd_ring_want_kick_at(&f.nic.queue[pair].ring, kind | 1) != vnicd_ring_has(&f.nic.queue[pair].ring, kind | 1))
		abort();
	if (kind & 32)
		vnicd_backend_config_changed(f.b);
	if (kind & 64)
		eventfd_write(event_fd, 1);
	front_pump(&f);
}

static void go_wrong(uint8_t kind, uint8_t value)
{
	if (kind & 128)
		(void)vnicd_backend_fault(f.b, kind & 3, value);
	else
		(void)vnicd_ctrl_faults_set(vnicd_ctrl_work_faults(ctrl), kind % 16, value);
}

static void behave(void)
{
	vnicd_backend_behave(f.b);
	vnicd_ctrl_faults_clear(vnicd_ctrl_work_faults(ctrl));
	vnicd_ctrl_work_drop(ctrl);
}

static void write_memory(struct input *in)
{
	uint8_t area = octet(in);
	uint32_t at = RING_AT(area & 7) % LEN + (area & 8 ? 0x4000 : 0) + (area & 16 ? 0x5000 : 0) + two(in) % 0x5000;
	uint32_t len = octet(in);

	if (at + len <= LEN)
		take(in, mem + at, len);
}

static void step(struct input *in)
{
	uint8_t buf[300] = { 0 }, request, flags, kind, len;

	switch (octet(in) % STEP_COUNT) {
	case STEP_MESSAGE:
		request = octet(in);
		flags = octet(in);
		kind = octet(in);
		len = octet(in);
		take(in, buf, len);
		send_message(request, flags, buf, len, kind);
		break;
	case STEP_RAW:
		len = octet(in);
		send_bytes(buf, take(in, buf, len), NULL, 0);
		break;
	case STEP_WRITE:
		write_memory(in);
		break;
	case STEP_POST:
		request = octet(in) % 5;
		post(request, octet(in) % 32);
		break;
	case STEP_RING:
		request = octet(in) % 5;
		start_ring(request, octet(in));
		break;
	case STEP_WORK:
		request = octet(in);
		work(request, octet(in));
		break;
	case STEP_CUT:
		if (ftruncate(file_fd, octet(in) * 0x1000) == 0) {
			work(0, 1);
			work(1, 0);
			if (ftruncate(file_fd, LEN) < 0)
				abort();
		}
		break;
	case STEP_HANG_UP:
		front_hang_up(&f);
		front_connect(&f);
		break;
	case STEP_WRONG:
		request = octet(in);
		go_wrong(request, octet(in));
		break;
	case STEP_INFLIGHT:
		request = octet(in);
		bring_inflight(request, octet(in));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	uint64_t features = 0, protocol = 0;

	begin();
	memset(mem, 0, LEN);
	front_connect(&f);
	take(&in, &features, sizeof(features));
	take(&in, &protocol, sizeof(protocol));
	handshake(protocol, features | R(VERSION_1));
	while (in.p < in.end) {
		if (!vnicd_backend_connected(f.b)) {
			front_hang_up(&f);
			front_connect(&f);
		}
		step(&in);
	}
	work(0, 3);
	front_hang_up(&f);
	behave();
	if (f.n_watched != 1 || f.nic.memory.n != 0 || vnicd_backend_connected(f.b))
		abort();
	return 0;
}
