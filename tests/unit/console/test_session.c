/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket and those who talk to the console: clients, pipes, terminals. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/smcgate/console/console_impl.h"
#include "tests/unit/console/run.h"
#include "tests/unit/test.h"

static int dial(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Serve the console until fd has said want, or nothing more comes; what it said
 * is in buf. */
static bool hear(struct rig *r, int fd, const char *want, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < 2000 && strstr(buf, want) == NULL; i++) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		(void)console_poll(r->c, 10);
		if (poll(&p, 1, 0) <= 0)
			continue;
		n = read(fd, buf + len, size - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		buf[len] = '\0';
	}
	return strstr(buf, want) != NULL;
}

static void say(int fd, const char *text)
{
	CU_ASSERT_EQUAL(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* ---- the socket ------------------------------------------------------------------- */
static void socket__mode_and_life(void)
{
	struct stat st;
	struct rig r;

	rig_up(&r);
	CU_ASSERT_EQUAL(stat(r.socket, &st), 0);
	CU_ASSERT(S_ISSOCK(st.st_mode));
	CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
	console_stop(r.c);
	r.c = NULL;
	CU_ASSERT_EQUAL(access(r.socket, F_OK), -1);
	rig_down(&r);
}

static void socket__stale_is_replaced(void)
{
	struct options opts = { 0 };
	struct console *second;
	struct rig r;
	int fd;

	rig_up(&r);
	/* served: refused, and left alone */
	CU_ASSERT_EQUAL(console_start(&second, r.pl, &opts, -1), -EADDRINUSE);
	CU_ASSERT_PTR_NULL(second);
	fd = dial(r.socket);
	CU_ASSERT(fd >= 0);
	close(fd);
	/* as after a crash: the file is there and nobody listens */
	close(r.c->listen_fd);
	r.c->listen_fd = -1;
	CU_ASSERT_EQUAL(access(r.socket, F_OK), 0);
	CU_ASSERT_EQUAL(console_start(&second, r.pl, &opts, -1), 0);
	fd = dial(r.socket);
	CU_ASSERT(fd >= 0);
	close(fd);
	console_stop(second);
	CU_ASSERT_EQUAL(access(r.socket, F_OK), -1);
	rig_down(&r);
}

static void socket__other_files_stay(void)
{
	struct options opts = { 0 };
	struct console *second;
	struct stat st;
	struct rig r;

	rig_up(&r);
	console_stop(r.c);
	close(open(r.socket, O_CREAT | O_WRONLY, 0644));
	CU_ASSERT_EQUAL(console_start(&second, r.pl, &opts, -1), -EEXIST);
	CU_ASSERT_EQUAL(stat(r.socket, &st), 0);
	CU_ASSERT(S_ISREG(st.st_mode));
	/* and one put in our socket's place survives our end */
	unlink(r.socket);
	CU_ASSERT_EQUAL_FATAL(console_start(&r.c, r.pl, &r.opts, -1), 0);
	unlink(r.socket);
	close(open(r.socket, O_CREAT | O_WRONLY, 0644));
	console_stop(r.c);
	r.c = NULL;
	CU_ASSERT_EQUAL(stat(r.socket, &st), 0);
	unlink(r.socket);
	rig_down(&r);
}

/* ---- clients ------------------------------------------------------------------------ */
static void client__asks(void)
{
	char buf[65536];
	struct rig r;
	int fd;

	rig_up(&r);
	fd = dial(r.socket);
	CU_ASSERT(hear(&r, fd, CONSOLE_PROMPT, buf, sizeof(buf)));
	CU_ASSERT_STRING_EQUAL(buf, CONSOLE_PROMPT);
	say(fd, "show config cores\r\n");
	CU_ASSERT(hear(&r, fd, CONSOLE_PROMPT, buf, sizeof(buf)));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "\n    5"));
	CU_ASSERT_PTR_NULL(strchr(buf, '\x1b'));
	/* in two pieces, then two lines at once */
	say(fd, "set bur");
	CU_ASSERT_FALSE(hear(&r, fd, "x", buf, sizeof(buf)));
	say(fd, "st 7\nset burst 8\nnonsense\n");
	CU_ASSERT(hear(&r, fd, "error: found 'nonsense'", buf, sizeof(buf)));
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 8");
	/* a half-closed client still gets its answer, then the end */
	say(fd, "show version");
	shutdown(fd, SHUT_WR);
	CU_ASSERT(hear(&r, fd, "DPDK", buf, sizeof(buf)));
	CU_ASSERT_FALSE(hear(&r, fd, "never", buf, sizeof(buf)));
	CU_ASSERT_EQUAL(r.c->n_sessions, 0);
	close(fd);
	rig_down(&r);
}

static void client__several_and_too_many(void)
{
	int fds[SESSIONS_MAX + 1];
	char buf[4096];
	struct rig r;

	rig_up(&r);
	for (unsigned i = 0; i < SESSIONS_MAX; i++) {
		fds[i] = dial(r.socket);
		CU_ASSERT(hear(&r, fds[i], CONSOLE_PROMPT, buf, sizeof(buf)));
	}
	fds[SESSIONS_MAX] = dial(r.socket);
	CU_ASSERT(hear(&r, fds[SESSIONS_MAX], "error: too many clients\n", buf, sizeof(buf)));
	for (unsigned i = 0; i < SESSIONS_MAX; i++)
		say(fds[i], "show routes\n");
	for (unsigned i = 0; i < SESSIONS_MAX; i++)
		CU_ASSERT(hear(&r, fds[i], "10.0.0.254", buf, sizeof(buf)));
	for (unsigned i = 0; i <= SESSIONS_MAX; i++)
		close(fds[i]);
	for (unsigned i = 0; i < 2000 && r.c->n_sessions != 0; i++)
		(void)console_poll(r.c, 10);
	CU_ASSERT_EQUAL(r.c->n_sessions, 0);
	rig_down(&r);
}

static void client__line_too_long(void)
{
	static char big[3 * LINE_MAX_LEN];
	char buf[4096];
	struct rig r;
	int fd;

	rig_up(&r);
	fd = dial(r.socket);
	memset(big, 'a', sizeof(big) - 2);
	big[sizeof(big) - 2] = '\n';
	say(fd, big);
	say(fd, "set burst 5\n");
	CU_ASSERT(hear(&r, fd, "error: the line is too long\n", buf, sizeof(buf)));
	for (unsigned i = 0; i < 2000 && fake.did[0] == '\0'; i++)
		(void)console_poll(r.c, 10);
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 5");
	close(fd);
	rig_down(&r);
}

/* A client that does not read holds up nobody, and loses nothing. */
static void client__slow_reader(void)
{
	char buf[4096];
	unsigned rows = 0;
	struct rig r;
	int slow, other;
	FILE *f;

	rig_up(&r);
	fake.sockets = 20000;
	slow = dial(r.socket);
	say(slow, "show sockets limit=40000\nset burst 3\n");
	for (unsigned i = 0; i < 10; i++)
		(void)console_poll(r.c, 10);
	CU_ASSERT_STRING_EQUAL(fake.did, "");
	other = dial(r.socket);
	say(other, "show version\n");
	CU_ASSERT(hear(&r, other, "DPDK", buf, sizeof(buf)));
	shutdown(slow, SHUT_WR);
	f = fdopen(slow, "r");
	for (unsigned i = 0; i < 100000 && r.c->n_sessions > 1; i++) {
		(void)console_poll(r.c, 0);
		while (session_wants_output(r.c->sessions[0]) && fgets(buf, sizeof(buf), f) != NULL) {
			rows += strstr(buf, " 10.0.0.1:") != NULL;
			(void)console_poll(r.c, 0);
		}
	}
	while (fgets(buf, sizeof(buf), f) != NULL)
		rows += strstr(buf, " 10.0.0.1:") != NULL;
	CU_ASSERT_EQUAL(rows, 40000);
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 3");
	fclose(f);
	close(other);
	rig_down(&r);
}

/* ---- waiting for a device ------------------------------------------------------------------ */
static struct {
	int fd;
	char heard[4096];
	char did[sizeof(fake.did)]; /* in the middle of it */
	unsigned sessions;
	struct rig *rig;
} aside;

/* The other client's first line is answered, its second has to wait. */
static void slow_device(void)
{
	ssize_t n = 0;

	/* Many come and go. */
	for (unsigned i = 0; i < 2 * SESSIONS_MAX; i++) {
		int fd = dial(aside.rig->socket);

		CU_ASSERT_TRUE(fd >= 0);
		fake_wait();
		shutdown(fd, SHUT_WR);
		fake_wait();
		close(fd);
	}
	for (unsigned i = 0; i < 3; i++)
		fake_wait();
	n = recv(aside.fd, aside.heard, sizeof(aside.heard) - 1, MSG_DONTWAIT);
	aside.heard[n > 0 ? n : 0] = '\0';
	snprintf(aside.did, sizeof(aside.did), "%s", fake.did);
	aside.sessions = aside.rig->c->n_sessions;
}

static void client__looks_while_another_waits(void)
{
	char buf[4096];
	struct rig r;
	int first;

	rig_up(&r);
	aside.rig = &r;
	first = dial(r.socket);
	CU_ASSERT(hear(&r, first, CONSOLE_PROMPT, buf, sizeof(buf)));
	say(first, "port reset 7\nport reset 0\nshow version\n");
	fake.slow = slow_device;
	/* Not there yet when the command begins. */
	aside.fd = dial(r.socket);
	say(aside.fd, "show port info left\nshow port info 9\nset burst 3\nshow version\n");
	for (unsigned i = 0; i < 100 && strcmp(fake.did, "port_reset 0") != 0; i++)
		(void)console_poll(r.c, 10);
	fake.slow = NULL;
	CU_ASSERT_PTR_NOT_NULL(strstr(aside.heard, "net_null0"));
	CU_ASSERT_PTR_NOT_NULL(strstr(aside.heard, "error: port: found '9'"));
	CU_ASSERT_PTR_NULL(strstr(aside.heard, "DPDK"));
	CU_ASSERT_STRING_EQUAL(aside.did, "");
	CU_ASSERT_EQUAL(aside.sessions, 2);
	CU_ASSERT(hear(&r, aside.fd, "DPDK", buf, sizeof(buf)));
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 3");
	CU_ASSERT(hear(&r, first, "DPDK", buf, sizeof(buf)));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "error: port: found '7'")); /* its own */
	close(aside.fd);
	close(first);
	rig_down(&r);
}

/* ---- waiting ends ------------------------------------------------------------------------ */
static void cancel__client_gone(void)
{
	char buf[256];
	struct rig r;
	int fd;

	rig_up(&r);
	fd = dial(r.socket);
	CU_ASSERT(hear(&r, fd, CONSOLE_PROMPT, buf, sizeof(buf)));
	say(fd, "show lcore\n");
	close(fd);
	fake.wait_for_cancel = true;
	(void)console_poll(r.c, 10);
	fake.wait_for_cancel = false;
	for (unsigned i = 0; i < 3; i++)
		(void)console_poll(r.c, 0);
	CU_ASSERT_EQUAL(r.c->n_sessions, 0);
	/* Outside commands only the program's end does. */
	CU_ASSERT_EQUAL(fake.cancel_fd, -1);
	rig_down(&r);
}

static void cancel__program_ends(void)
{
	int stop = eventfd(1, EFD_NONBLOCK);
	struct options opts = { 0 };
	struct rig r;

	rig_up(&r);
	console_stop(r.c);
	CU_ASSERT_EQUAL_FATAL(console_start(&r.c, r.pl, &opts, stop), 0);
	fake.wait_for_cancel = true;
	rig_run(&r, "show lcore");
	CU_ASSERT_EQUAL(r.rc, -ECANCELED);
	CU_ASSERT_STRING_EQUAL(r.text, "error: worker 0: cancelled\n");
	CU_ASSERT_EQUAL(fake.cancel_fd, stop);
	fake.wait_for_cancel = false;
	rig_down(&r);
	close(stop);
}

/* ---- a terminal --------------------------------------------------------------------------- */
struct tty {
	struct rig r;
	int master, in, out; /* in, out: what standard input and output were */
};

static bool tty_up(struct tty *t)
{
	int slave;

	rig_up(&t->r);
	console_stop(t->r.c);
	if (openpty(&t->master, &slave, NULL, NULL, NULL) < 0) {
		t->r.c = NULL;
		rig_down(&t->r);
		return false;
	}
	fflush(stdout);
	t->in = dup(STDIN_FILENO);
	t->out = dup(STDOUT_FILENO);
	dup2(slave, STDIN_FILENO);
	dup2(slave, STDOUT_FILENO);
	close(slave);
	t->r.opts.interactive = true;
	CU_ASSERT_EQUAL_FATAL(console_start(&t->r.c, t->r.pl, &t->r.opts, -1), 0);
	return true;
}

static void tty_down(struct tty *t)
{
	console_stop(t->r.c);
	t->r.c = NULL;
	dup2(t->in, STDIN_FILENO);
	dup2(t->out, STDOUT_FILENO);
	close(t->in);
	close(t->out);
	close(t->master);
	rig_down(&t->r);
}

static void tty__edits_and_completes(void)
{
	bool ended = false;
	char buf[65536];
	struct tty t;

	if (!tty_up(&t))
		return;
	CU_ASSERT(hear(&t.r, t.master, CONSOLE_PROMPT, buf, sizeof(buf)));
	say(t.master, "set bx\x7furst 4\r");
	CU_ASSERT(hear(&t.r, t.master, "\n" CONSOLE_PROMPT, buf, sizeof(buf)));
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 4");
	/* the words, a port's name */
	fake.did[0] = '\0';
	say(t.master, "port st\t\t");
	CU_ASSERT(hear(&t.r, t.master, "start", buf, sizeof(buf)));
	say(t.master, "op ri\t\r");
	CU_ASSERT(hear(&t.r, t.master, "\n" CONSOLE_PROMPT, buf, sizeof(buf)));
	CU_ASSERT_STRING_EQUAL(fake.did, "port_stop 1");
	/* history */
	fake.did[0] = '\0';
	say(t.master, "\x1b[A\x1b[A\r");
	CU_ASSERT(hear(&t.r, t.master, "\n" CONSOLE_PROMPT, buf, sizeof(buf)));
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 4");
	/* Ctrl-D on an empty line ends the program */
	say(t.master, "\x04");
	for (unsigned i = 0; i < 2000 && !ended; i++) /* the kernel takes its time with a pty */
		ended = console_poll(t.r.c, 10) == 1;
	CU_ASSERT_TRUE(ended);
	tty_down(&t);
}

/* The terminal's own attributes come back. */
static void tty__restored(void)
{
	struct termios before, during, after;
	int master, slave;
	struct session *s;
	struct rig r;

	rig_up(&r);
	if (openpty(&master, &slave, NULL, NULL, NULL) == 0) {
		tcgetattr(slave, &before);
		s = session_new(r.c, SESSION_TTY, slave, slave);
		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		tcgetattr(slave, &during);
		CU_ASSERT_EQUAL(during.c_lflag & (ICANON | ECHO | ISIG), 0);
		cancel_arm(r.c, s);
		tcgetattr(slave, &during);
		CU_ASSERT_EQUAL(during.c_lflag & (ICANON | ECHO | ISIG), ISIG);
		/* what Ctrl-C does */
		raise(SIGINT);
		CU_ASSERT_EQUAL(poll(&(struct pollfd){ .fd = fake.cancel_fd, .events = POLLIN }, 1, 0), 1);
		cancel_disarm(r.c, s);
		cancel_arm(r.c, NULL);
		CU_ASSERT_EQUAL(poll(&(struct pollfd){ .fd = fake.cancel_fd, .events = POLLIN }, 1, 0), 0);
		cancel_disarm(r.c, NULL);
		session_free(s);
		tcgetattr(slave, &after);
		CU_ASSERT_EQUAL(after.c_lflag, before.c_lflag);
		close(master);
		close(slave);
	}
	rig_down(&r);
}

/* ---- a pipe ---------------------------------------------------------------------------------- */
static void pipe__echoes_and_ends(void)
{
	int in[2], out[2], old_in, old_out;
	char buf[65536];
	struct rig r;

	rig_up(&r);
	console_stop(r.c);
	CU_ASSERT_EQUAL_FATAL(pipe(in) | pipe(out), 0);
	fflush(stdout);
	old_in = dup(STDIN_FILENO);
	old_out = dup(STDOUT_FILENO);
	dup2(in[0], STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	r.opts.interactive = true;
	CU_ASSERT_EQUAL_FATAL(console_start(&r.c, r.pl, &r.opts, -1), 0);
	say(in[1], "set burst 6\nshow version");
	close(in[1]);
	CU_ASSERT(hear(&r, out[0], "DPDK", buf, sizeof(buf)));
	CU_ASSERT_EQUAL(strncmp(buf, "smcgate> set burst 6\nsmcgate> show version\nversion  ", 50), 0);
	CU_ASSERT_PTR_NULL(strchr(buf, '\x1b'));
	CU_ASSERT_EQUAL(console_poll(r.c, 10), 1);
	dup2(old_in, STDIN_FILENO);
	dup2(old_out, STDOUT_FILENO);
	close(old_in);
	close(old_out);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	rig_down(&r);
}

static const struct test_case cases[] = {
	TEST_CASE(socket__mode_and_life),
	TEST_CASE(socket__stale_is_replaced),
	TEST_CASE(socket__other_files_stay),
	TEST_CASE(client__asks),
	TEST_CASE(client__several_and_too_many),
	TEST_CASE(client__line_too_long),
	TEST_CASE(client__slow_reader),
	TEST_CASE(client__looks_while_another_waits),
	TEST_CASE(cancel__client_gone),
	TEST_CASE(cancel__program_ends),
	TEST_CASE(tty__edits_and_completes),
	TEST_CASE(tty__restored),
	TEST_CASE(pipe__echoes_and_ends),
};
TEST_MAIN("console_session", cases)
