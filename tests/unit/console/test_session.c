/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket and those who talk to the console: clients, pipes, terminals. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/smcgate/console/console_impl.h"
#include "pmd/base/clock.h"
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

/* The last that was done. */
static bool did(struct rig *r, const char *what)
{
	for (unsigned i = 0; i < 4000 && strcmp(fake.did, what) != 0; i++)
		(void)console_poll(r->c, 5);
	return strcmp(fake.did, what) == 0;
}

/* It says nothing for a while. */
static bool silent(struct rig *r, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (unsigned i = 0; i < 20; i++)
		(void)console_poll(r->c, 2);
	return poll(&p, 1, 0) == 0;
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
	CU_ASSERT_TRUE(silent(&r, fd));
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
	CU_ASSERT(hear(&r, fd, "error: the line is too long: at most 8191 octets\n", buf, sizeof(buf)));
	CU_ASSERT(did(&r, "set_burst 5"));
	close(fd);
	rig_down(&r);
}

/* Lines that are no text, and halves of lines. */
static void client__sends_garbage(void)
{
	static const char zero[] = "set burst 7\0 junk\n";
	char buf[4096];
	struct rig r;
	int fd;

	rig_up(&r);
	fd = dial(r.socket);
	CU_ASSERT_EQUAL(write(fd, zero, sizeof(zero) - 1), sizeof(zero) - 1);
	CU_ASSERT(hear(&r, fd, "error: octet 12 of the line is 0x00, which is no text\n" CONSOLE_PROMPT, buf, sizeof(buf)));
	say(fd, "\x1b[31mset burst 8\n");
	CU_ASSERT(hear(&r, fd, "error: octet 1 of the line is 0x1b", buf, sizeof(buf)));
	say(fd, "set\tburst\t\xff\xfe\n");
	CU_ASSERT(hear(&r, fd, "error: burst: found '?" "?', allowed 1..512", buf, sizeof(buf)));
	CU_ASSERT_STRING_EQUAL(fake.did, "");
	say(fd, "set burst 6"); /* and never the end of it */
	CU_ASSERT_TRUE(silent(&r, fd));
	close(fd);
	for (unsigned i = 0; i < 4000 && r.c->n_sessions != 0; i++)
		(void)console_poll(r.c, 5);
	CU_ASSERT_EQUAL(r.c->n_sessions, 0);
	rig_down(&r);
}

/* A client that does not read holds up nobody, and loses nothing. */
static void client__slow_reader(void)
{
	size_t size = 16 << 20, len = 0;
	char buf[4096], *all = malloc(size);
	unsigned rows = 0;
	struct rig r;
	int slow, other;

	rig_up(&r);
	fake.sockets = 20000;
	slow = dial(r.socket);
	say(slow, "show sockets limit=40000\nset burst 3\n");
	for (unsigned i = 0; i < 2000 && (r.c->n_sessions == 0 || r.c->sessions[0]->pending_len < 1000); i++)
		(void)console_poll(r.c, 5);
	CU_ASSERT_STRING_EQUAL(fake.did, "");
	other = dial(r.socket);
	say(other, "show version\n");
	CU_ASSERT(hear(&r, other, "DPDK", buf, sizeof(buf)));
	CU_ASSERT_STRING_EQUAL(fake.did, "");
	shutdown(slow, SHUT_WR);
	for (unsigned i = 0; i < 100000; i++) {
		ssize_t n = recv(slow, all + len, size - 1 - len, MSG_DONTWAIT);

		if (n == 0)
			break;
		len += n > 0 ? (size_t)n : 0;
		(void)console_poll(r.c, n > 0 ? 0 : 5);
	}
	/* Not strstr(), which a sanitizer would let look at all of it each time. */
	for (const char *at = all; (at = memmem(at, len - (size_t)(at - all), " 10.0.0.1:", 10)) != NULL; at++)
		rows++;
	CU_ASSERT_EQUAL(rows, 40000);
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 3");
	free(all);
	close(slow);
	close(other);
	rig_down(&r);
}

/* ---- waiting for a device ------------------------------------------------------------------ */
static bool waits(struct rig *r, unsigned n)
{
	for (unsigned i = 0; i < 4000 && __atomic_load_n(&fake.waiting, __ATOMIC_SEQ_CST) != n; i++)
		(void)console_poll(r->c, 5);
	return __atomic_load_n(&fake.waiting, __ATOMIC_SEQ_CST) == n;
}

static bool sessions(struct rig *r, unsigned n)
{
	for (unsigned i = 0; i < 4000 && r->c->n_sessions != n; i++)
		(void)console_poll(r->c, 5);
	return r->c->n_sessions == n;
}

/* Whatever others want is done, in the order each of them wants it. */
static void client__goes_on_while_others_wait(void)
{
	int first, second, third, left = eventfd(0, 0), right = eventfd(0, 0);
	char buf[4096];
	struct rig r;

	rig_up(&r);
	fake.slow_fd[0] = left;
	fake.slow_fd[1] = right;
	first = dial(r.socket);
	say(first, "port reset 7\nport reset 0\nset burst 9\nshow version\n");
	CU_ASSERT_TRUE(waits(&r, 1));
	second = dial(r.socket);
	say(second, "show port info left\nshow port info 9\nset burst 3\n");
	CU_ASSERT(hear(&r, second, "error: port: found '9'", buf, sizeof(buf)));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "net_null0"));
	say(second, "port reset 1\nset burst 4\n");
	CU_ASSERT_TRUE(waits(&r, 2));
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 3");
	third = dial(r.socket);
	say(third, "set burst 5\nshow version\n");
	CU_ASSERT(hear(&r, third, "DPDK", buf, sizeof(buf)));
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 5");
	/* The second's ends first. */
	CU_ASSERT_EQUAL(eventfd_write(right, 1), 0);
	CU_ASSERT_TRUE(waits(&r, 1));
	CU_ASSERT(did(&r, "set_burst 4"));
	CU_ASSERT_EQUAL(eventfd_write(left, 1), 0);
	CU_ASSERT(hear(&r, first, "DPDK", buf, sizeof(buf)));
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 9");
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "error: port: found '7'")); /* its own */
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "port 0: reset"));
	close(first);
	close(second);
	close(third);
	CU_ASSERT_TRUE(sessions(&r, 0));
	rig_down(&r);
	close(left);
	close(right);
}

/* A file of commands in the rig's directory. */
static void write_commands(const struct rig *r, const char *text, char *path, size_t size)
{
	FILE *f;

	snprintf(path, size, "%s/commands", r->dir);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

/* The commands of a file have to wait, its lines for one another; clients do not. */
static void file__does_not_hold_up_clients(void)
{
	int client, go = eventfd(0, 0);
	char path[96], buf[4096];
	struct rig r;

	rig_up(&r);
	write_commands(&r, "port reset 0\nset burst 7\n", path, sizeof(path));
	fake.slow_fd[0] = go;
	client = dial(r.socket);
	snprintf(buf, sizeof(buf), "load %s\nset burst 8\n", path);
	say(client, buf);
	CU_ASSERT_TRUE(waits(&r, 1));
	rig_run(&r, "set burst 1");
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 1");
	CU_ASSERT_EQUAL(eventfd_write(go, 1), 0);
	CU_ASSERT(did(&r, "set_burst 8"));
	CU_ASSERT(hear(&r, client, "set burst 7\n" CONSOLE_PROMPT, buf, sizeof(buf)));
	close(client);
	CU_ASSERT_TRUE(sessions(&r, 0));
	unlink(path);
	rig_down(&r);
	close(go);
}

/* What a file's commands say is read while a later one waits, once and in order. */
static void file__is_read_along(void)
{
	int client, go = eventfd(0, 0);
	char path[96], buf[4096];
	struct rig r;

	rig_up(&r);
	write_commands(&r, "nonsense\nshow version\nport reset 0\nset burst 7\n", path, sizeof(path));
	fake.slow_fd[0] = go;
	client = dial(r.socket);
	CU_ASSERT(hear(&r, client, CONSOLE_PROMPT, buf, sizeof(buf)));
	snprintf(buf, sizeof(buf), "load %s\n", path);
	say(client, buf);
	CU_ASSERT(hear(&r, client, "smcgate> port reset 0\n", buf, sizeof(buf)));
	CU_ASSERT(strncmp(buf, "smcgate> nonsense\nerror: ", 25) == 0 && strstr(buf, "\nsmcgate> show version\n") != NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "DPDK"));
	CU_ASSERT_TRUE(waits(&r, 1) && silent(&r, client));
	CU_ASSERT_EQUAL(eventfd_write(go, 1), 0);
	CU_ASSERT(hear(&r, client, "smcgate> set burst 7\n" CONSOLE_PROMPT, buf, sizeof(buf)));
	CU_ASSERT(strstr(buf, "show version") == NULL && strstr(buf, "port reset 0\n") == NULL);
	close(client);
	CU_ASSERT_TRUE(sessions(&r, 0));
	unlink(path);
	rig_down(&r);
	close(go);
}

/* Once the command of the file waits and the client has been answered, the device does. */
static void *say_go_when_answered(void *arg)
{
	const int *fds = arg;
	char buf[4096];
	size_t len = 0;

	for (unsigned i = 0; i < 4000 && __atomic_load_n(&fake.waiting, __ATOMIC_SEQ_CST) != 1; i++)
		(void)poll(NULL, 0, 5);
	say(fds[0], "show version\n");
	buf[0] = '\0';
	while (strstr(buf, "DPDK") == NULL && len < sizeof(buf) - 1) {
		ssize_t n = read(fds[0], buf + len, sizeof(buf) - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
		buf[len] = '\0';
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "DPDK"));
	(void)eventfd_write(fds[1], 1);
	return NULL;
}

/* What comes in between runs meanwhile: nobody has to be patient with the program's own file. */
static void file__of_the_program_serves_clients(void)
{
	int client, go = eventfd(0, 0), fds[2];
	char path[96], buf[4096];
	pthread_t helper;
	struct rig r;

	rig_up(&r);
	write_commands(&r, "set burst 2\nport reset 0\nset burst 7\n", path, sizeof(path));
	fake.slow_fd[0] = go;
	client = dial(r.socket);
	fds[0] = client;
	fds[1] = go;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&helper, NULL, say_go_when_answered, fds), 0);
	fflush(stdout);
	CU_ASSERT_EQUAL(console_run_file(r.c, path), 0);
	pthread_join(helper, NULL);
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 7");
	close(client);
	CU_ASSERT_TRUE(sessions(&r, 0));
	/* Strictly, the first that fails is the last. */
	r.opts.strict = true;
	fake.slow_fd[0] = -1;
	write_commands(&r, "set burst 3\nnonsense\nset burst 4\n", path, sizeof(path));
	CU_ASSERT_EQUAL(console_run_file(r.c, path), -ECANCELED);
	CU_ASSERT_STRING_EQUAL(fake.did, "set_burst 3");
	snprintf(buf, sizeof(buf), "%s.none", path);
	CU_ASSERT_TRUE(console_run_file(r.c, buf) < 0);
	unlink(path);
	rig_down(&r);
	close(go);
}

/* ---- waiting ends ------------------------------------------------------------------------ */
static void cancel__client_gone(void)
{
	struct rig r;
	int fd, never = eventfd(0, 0);

	rig_up(&r);
	fake.slow_fd[0] = never;
	fd = dial(r.socket);
	say(fd, "port reset 0\nset burst 5\n");
	CU_ASSERT_TRUE(waits(&r, 1));
	close(fd);
	CU_ASSERT_TRUE(waits(&r, 0));
	CU_ASSERT_TRUE(sessions(&r, 0));
	CU_ASSERT_STRING_EQUAL(fake.did, ""); /* what it wanted next is nobody's wish any more */
	/* By a question to a worker as well. */
	fake.wait_for_cancel = true;
	fd = dial(r.socket);
	say(fd, "show lcore\n");
	for (unsigned i = 0; i < 5; i++)
		(void)console_poll(r.c, 5);
	close(fd);
	CU_ASSERT_TRUE(sessions(&r, 0));
	fake.wait_for_cancel = false;
	rig_down(&r);
	close(never);
}

static void cancel__program_ends(void)
{
	int stop = eventfd(0, EFD_NONBLOCK), never = eventfd(0, 0), fd;
	struct options opts = { 0 };
	char path[96], buf[4096];
	struct rig r;

	rig_up(&r);
	console_stop(r.c);
	CU_ASSERT_EQUAL_FATAL(console_start(&r.c, r.pl, &opts, stop), 0);
	fake.slow_fd[0] = fake.slow_fd[1] = never;
	fd = dial(r.socket);
	say(fd, "port reset 0\nset burst 5\n");
	CU_ASSERT_TRUE(waits(&r, 1));
	/* The program's command file waits, too, and is told as the others are. */
	write_commands(&r, "port reset 1\nset burst 6\n", path, sizeof(path));
	CU_ASSERT_EQUAL(eventfd_write(stop, 1), 0);
	CU_ASSERT_EQUAL(console_run_file(r.c, path), -ECANCELED);
	unlink(path);
	console_stop(r.c);
	r.c = NULL;
	CU_ASSERT_EQUAL(fake.waiting, 0);
	CU_ASSERT_STRING_EQUAL(fake.did, "");
	buf[recv(fd, buf, sizeof(buf) - 1, 0)] = '\0';
	CU_ASSERT_PTR_NOT_NULL(strstr(buf, "error: port 0: reset: cancelled"));
	close(fd);
	rig_down(&r);
	close(stop);
	close(never);
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

/* Ctrl-C ends the waiting; what was typed before it is forgotten, what comes after it runs. */
static void tty__cancels(void)
{
	int never = eventfd(0, 0);
	uint64_t began;
	char buf[65536];
	struct tty t;

	if (!tty_up(&t))
		return;
	fake.slow_fd[0] = never;
	CU_ASSERT(hear(&t.r, t.master, CONSOLE_PROMPT, buf, sizeof(buf)));
	say(t.master, "port reset 0\r");
	CU_ASSERT_TRUE(waits(&t.r, 1));
	say(t.master, "set burst 6\r");
	for (unsigned i = 0; i < 5; i++)
		(void)console_poll(t.r.c, 5);
	CU_ASSERT_STRING_EQUAL(fake.did, "");
	say(t.master, "\x03");
	CU_ASSERT(hear(&t.r, t.master, "cancelled: the device may do it still", buf, sizeof(buf)));
	CU_ASSERT_TRUE(waits(&t.r, 0));
	say(t.master, "set burst 7\r");
	CU_ASSERT(did(&t.r, "set_burst 7"));
	/* Typed ahead: run in their order. */
	say(t.master, "port reset 0\r");
	CU_ASSERT_TRUE(waits(&t.r, 1));
	say(t.master, "set burst 8\rset burst 9\r");
	for (unsigned i = 0; i < 5; i++)
		(void)console_poll(t.r.c, 5);
	/* What waits for its turn keeps nobody busy. */
	began = clock_now_us();
	(void)console_poll(t.r.c, 50);
	CU_ASSERT(clock_now_us() - began >= 25000);
	CU_ASSERT_EQUAL(eventfd_write(never, 1), 0);
	CU_ASSERT(hear(&t.r, t.master, "set burst 9", buf, sizeof(buf)));
	CU_ASSERT(did(&t.r, "set_burst 9"));
	tty_down(&t);
	close(never);
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
	TEST_CASE(client__goes_on_while_others_wait),
	TEST_CASE(client__sends_garbage),
	TEST_CASE(file__does_not_hold_up_clients),
	TEST_CASE(file__is_read_along),
	TEST_CASE(file__of_the_program_serves_clients),
	TEST_CASE(cancel__client_gone),
	TEST_CASE(cancel__program_ends),
	TEST_CASE(tty__edits_and_completes),
	TEST_CASE(tty__cancels),
	TEST_CASE(tty__restored),
	TEST_CASE(pipe__echoes_and_ends),
};
TEST_MAIN("console_session", cases)
