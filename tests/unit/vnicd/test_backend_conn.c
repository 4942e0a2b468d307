/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections and framing: pieces of messages, front ends that die, come back, flood, or do not read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "tests/unit/vnicd/front.h"

static struct front f;

static void send_raw(const void *data, size_t len)
{
	CU_ASSERT_EQUAL_FATAL(send(f.sock, data, len, MSG_NOSIGNAL), (ssize_t)len);
	front_pump(&f);
}

/* Octet by octet: served when the last one is there, and nobody waits before. */
static void framing__piece_by_piece(void)
{
	struct vhost_user_header h = { VHOST_USER_SET_STATUS, VHOST_USER_VERSION, 8 };
	struct front_reply r;
	uint8_t raw[20] = { 0 };

	front_open(&f, true);
	front_connect(&f);
	memcpy(raw, &h, 12);
	raw[12] = 3;
	for (unsigned i = 0; i < sizeof(raw); i++) {
		CU_ASSERT_EQUAL(f.nic.status, 0);
		send_raw(&raw[i], 1);
	}
	CU_ASSERT_EQUAL(f.nic.status, 3);
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_STATUS, NULL, 0, &r), 1);
	front_close(&f);
}

/* Several at once are all served. */
static void framing__several_at_once(void)
{
	struct vhost_user_header h[100];
	struct front_reply r;

	for (unsigned i = 0; i < 100; i++)
		h[i] = (struct vhost_user_header){ VHOST_USER_GET_QUEUE_NUM, VHOST_USER_VERSION, 0 };
	front_open(&f, true);
	front_connect(&f);
	send_raw(h, sizeof(h));
	for (unsigned i = 0; i < 100; i++)
		CU_ASSERT_EQUAL_FATAL(front_receive(&f, &r), 1);
	CU_ASSERT_EQUAL(front_receive(&f, &r), 0);
	front_close(&f);
}

static void framing__violations_cut(void)
{
	static const struct {
		const char *name;
		struct vhost_user_header h;
		unsigned n_fds;
		uint32_t len;  /* octets behind the header */
		bool hang_up;
	} t[] = {
		{ "version 0", { VHOST_USER_GET_FEATURES, 0, 0 } },
		{ "version 2", { VHOST_USER_GET_FEATURES, 2, 0 } },
		{ "a reply", { VHOST_USER_GET_FEATURES, VHOST_USER_VERSION | VHOST_USER_F_REPLY, 0 } },
		{ "too long", { VHOST_USER_SET_CONFIG, VHOST_USER_VERSION, sizeof(union vhost_user_payload) + 1 } },
		{ "longest", { VHOST_USER_SET_CONFIG, VHOST_USER_VERSION, UINT32_MAX } },
		{ "nine descriptors", { VHOST_USER_SET_MEM_TABLE, VHOST_USER_VERSION, 8 }, 9, 8 },
		{ "sixteen descriptors", { VHOST_USER_GET_FEATURES, VHOST_USER_VERSION, 0 }, 16 },
		{ "end in the payload", { VHOST_USER_SET_FEATURES, VHOST_USER_VERSION, 8 }, 1, 3, true },
	};
	unsigned before = front_count_fds();
	int fds[16];

	for (unsigned i = 0; i < 16; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC);
	front_open(&f, true);
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		uint64_t refused = front_refused(&f);
		uint8_t raw[20] = { 0 };
		struct front_reply r;

		front_connect(&f);
		memcpy(raw, &t[i].h, 12);
		if (t[i].n_fds > 0) {
			char control[CMSG_SPACE(sizeof(fds))] = { 0 };
			struct iovec iov = { raw, 12 + t[i].len };
			struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
					    .msg_controllen = CMSG_SPACE(t[i].n_fds * sizeof(int)) };
			struct cmsghdr *c = CMSG_FIRSTHDR(&m);

			*c = (struct cmsghdr){ CMSG_LEN(t[i].n_fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
			memcpy(CMSG_DATA(c), fds, t[i].n_fds * sizeof(int));
			CU_ASSERT_FATAL(sendmsg(f.sock, &m, MSG_NOSIGNAL) > 0);
			front_pump(&f);
		} else {
			send_raw(raw, 12 + t[i].len);
		}
		if (t[i].hang_up)
			front_hang_up(&f);
		else
			CU_ASSERT_EQUAL(front_receive(&f, &r), -1);
		CU_ASSERT_FALSE(vnicd_backend_connected(f.b));
		CU_ASSERT(front_refused(&f) > refused);
		if (f.sock >= 0)
			front_hang_up(&f);
	}
	front_close(&f);
	for (unsigned i = 0; i < 16; i++)
		close(fds[i]);
	CU_ASSERT_EQUAL(front_count_fds(), before);
}

/* Half a message with descriptors, for ever: the descriptors go with the connection. */
static void framing__half_a_message(void)
{
	unsigned before = front_count_fds();
	int fd = eventfd(0, EFD_CLOEXEC);
	struct vhost_user_header h = { VHOST_USER_SET_VRING_CALL, VHOST_USER_VERSION, 8 };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	front_open(&f, true);
	front_connect(&f);
	*c = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	CU_ASSERT_FATAL(sendmsg(f.sock, &m, MSG_NOSIGNAL) > 0);
	front_pump(&f);
	CU_ASSERT_TRUE(vnicd_backend_connected(f.b));
	front_close(&f);
	close(fd);
	CU_ASSERT_EQUAL(front_count_fds(), before);
}

/* Requests without end from one that reads no reply: it is cut, not waited for. */
static void reply__nobody_reads(void)
{
	struct vhost_user_header h = { VHOST_USER_GET_FEATURES, VHOST_USER_VERSION, 0 };

	front_open(&f, true);
	front_connect(&f);
	for (unsigned i = 0; i < 100000 && vnicd_backend_connected(f.b); i++) {
		if (send(f.sock, &h, sizeof(h), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
			break;
		front_pump(&f);
	}
	CU_ASSERT_FALSE(vnicd_backend_connected(f.b));
	CU_ASSERT_STRING_EQUAL(front_last_refusal(&f), "GET_FEATURES: the front end takes no reply");
	front_close(&f);
}

/* ---- server ------------------------------------------------------------------------------ */
static void server__one_at_a_time(void)
{
	struct vnicd_backend_stats s;
	struct front_reply r;
	int first, second;

	front_open(&f, true);
	front_connect(&f);
	first = f.sock;
	front_connect(&f); /* is turned away */
	second = f.sock;
	CU_ASSERT_EQUAL(front_receive(&f, &r), -1);
	f.sock = first;
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_FEATURES, NULL, 0, &r), 1);
	close(second);
	/* The first dies; the second comes before anybody looked. */
	close(first);
	f.sock = -1;
	front_connect(&f);
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_FEATURES, NULL, 0, &r), 1);
	for (unsigned i = 0; i < 20; i++) {
		front_hang_up(&f);
		CU_ASSERT_FALSE(vnicd_backend_connected(f.b));
		front_connect(&f);
		CU_ASSERT_TRUE(vnicd_backend_connected(f.b));
	}
	vnicd_backend_disconnect(f.b);
	CU_ASSERT_EQUAL(front_receive(&f, &r), -1);
	front_hang_up(&f);
	front_connect(&f);
	vnicd_backend_stats(f.b, &s);
	CU_ASSERT(s.connects == 23 && s.disconnects == 22);
	front_close(&f);
}

static void server__path(void)
{
	struct vnicd_nic_conf conf = { .pairs = 1, .queue_size = 256 };
	static struct vnicd_nic nic;
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct vnicd_backend *b = NULL;
	char path[200];
	struct stat st;
	int fd;

	CU_ASSERT_EQUAL(vnicd_nic_init(&nic, &conf), 0);
	front_open(&f, true);
	/* a live socket */
	CU_ASSERT_EQUAL(vnicd_backend_open(&b, &nic, f.path, true, 0, &f.ops, &f), -EADDRINUSE);
	CU_ASSERT_EQUAL(lstat(f.path, &st), 0);
	front_pump(&f);
	strcpy(addr.sun_path, f.path);
	front_close(&f);
	CU_ASSERT_EQUAL(lstat(addr.sun_path, &st), -1); /* taken away at the end */
	/* one that was left behind */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	CU_ASSERT_EQUAL(vnicd_backend_open(&b, &nic, addr.sun_path, true, 0, &f.ops, &f), 0);
	vnicd_backend_close(b);
	/* something else */
	CU_ASSERT_EQUAL(mkdir(addr.sun_path, 0700), 0);
	CU_ASSERT_EQUAL(vnicd_backend_open(&b, &nic, addr.sun_path, true, 0, &f.ops, &f), -EADDRINUSE);
	CU_ASSERT_EQUAL(rmdir(addr.sun_path), 0);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	CU_ASSERT_EQUAL(vnicd_backend_open(&b, &nic, path, true, 0, &f.ops, &f), -ENAMETOOLONG);
	CU_ASSERT_EQUAL(vnicd_backend_open(&b, &nic, "", true, 0, &f.ops, &f), -ENAMETOOLONG);
	CU_ASSERT_PTR_NULL(nic.call);
	vnicd_nic_fini(&nic);
}

/* ---- client ------------------------------------------------------------------------------- */
static void client__tries_again(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct front_reply r;
	int listener;

	front_open(&f, false);
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 1000), 100);
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 1040), 60);
	strcpy(addr.sun_path, f.path);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	CU_ASSERT_FATAL(bind(listener, (struct sockaddr *)&addr, sizeof(addr)) == 0 && listen(listener, 1) == 0);
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 1099), 1);
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 1100), -1);
	f.now = 1100;
	f.sock = accept(listener, NULL, NULL);
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_FEATURES, NULL, 0, &r), 1);
	CU_ASSERT_TRUE(vnicd_backend_connected(f.b));
	front_hang_up(&f);
	/* not in a busy loop with one that hangs up at once */
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 1101), 99);
	CU_ASSERT_EQUAL(vnicd_backend_timer(f.b, 1300), -1);
	f.sock = accept(listener, NULL, NULL);
	CU_ASSERT_EQUAL(front_get(&f, VHOST_USER_GET_FEATURES, NULL, 0, &r), 1);
	front_close(&f);
	close(listener);
	unlink(addr.sun_path);
}

/* ---- the channel of the back end ------------------------------------------------------------ */
static void channel__config_change(void)
{
	struct vhost_user_header h;
	unsigned before;
	int pair[2];

	front_open(&f, true);
	front_connect(&f);
	front_handshake(&f, front_protocol(&f), VIRTIO_BIT(VIRTIO_F_VERSION_1) | FRONT_BIT30);
	vnicd_backend_config_changed(f.b); /* no channel: nothing */
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	before = front_count_fds();
	for (unsigned i = 0; i < 3; i++) /* a later one replaces it */
		CU_ASSERT_EQUAL(front_set(&f, VHOST_USER_SET_BACKEND_REQ_FD, NULL, 0, &pair[1], 1), 0);
	CU_ASSERT_EQUAL(front_count_fds(), before + 1);
	close(pair[1]);
	vnicd_backend_config_changed(f.b);
	CU_ASSERT_EQUAL(recv(pair[0], &h, sizeof(h), MSG_DONTWAIT), sizeof(h));
	CU_ASSERT(h.request == VHOST_USER_BACKEND_CONFIG_CHANGE_MSG && h.flags == VHOST_USER_VERSION && h.size == 0);
	for (unsigned i = 0; i < 100000; i++) /* never waits */
		vnicd_backend_config_changed(f.b);
	CU_ASSERT_STRING_EQUAL(front_last_refusal(&f), "the front end does not read its channel");
	close(pair[0]);
	vnicd_backend_config_changed(f.b);
	CU_ASSERT_EQUAL(front_count_fds(), before - 2);
	front_close(&f);
}

static const struct test_case cases[] = {
	TEST_CASE(framing__piece_by_piece),
	TEST_CASE(framing__several_at_once),
	TEST_CASE(framing__violations_cut),
	TEST_CASE(framing__half_a_message),
	TEST_CASE(reply__nobody_reads),
	TEST_CASE(server__one_at_a_time),
	TEST_CASE(server__path),
	TEST_CASE(client__tries_again),
	TEST_CASE(channel__config_change),
};
TEST_MAIN("vnicd back end, connections", cases)
