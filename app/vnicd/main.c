/* SPDX-License-Identifier: BSD-3-Clause */
/* The program: EAL, configuration, ports, the loop, and an orderly end. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_version.h>

#include "app/common/runtime.h"
#include "app/vnicd/control.h"
#include "app/vnicd/loop.h"
#include "app/vnicd/options.h"
#include "app/vnicd/switch.h"
#include "app/vnicd/tap.h"
#include "app/vnicd/vport.h"

/* Signals are read from a descriptor, by the loop. Blocked before EAL starts
 * its threads, which inherit that. */
static int
signal_fd(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	sigaction(SIGPIPE, &ignore, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Each queue pair has four descriptors of the front end's. */
static void
allow_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

static struct vnicd_config *
load_config(const char *file)
{
	struct cfg_errors errs = { 0 };
	struct vnicd_config *cfg;

	if (vnicd_config_load(file, &cfg, &errs) < 0)
		cfg_errors_print(&errs, "vnicd", stderr);
	cfg_errors_free(&errs);
	return cfg;
}

static int
without_eal(const struct vnicd_options *o)
{
	struct vnicd_config *cfg;

	if (o->help) {
		vnicd_options_usage(stdout);
		return EXIT_SUCCESS;
	}
	if (o->version) {
		printf("vnicd %s, %s\n", SMCGATE_VERSION, rte_version());
		return EXIT_SUCCESS;
	}
	cfg = load_config(o->config_file);
	vnicd_config_free(cfg);
	return cfg != NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- ports ------------------------------------------------------------------------------- */

static int
open_ports(struct vnicd_switch *sw, const struct vnicd_config *cfg)
{
	int rc = 0;

	for (unsigned i = 0; i < cfg->n_uplinks && rc == 0; i++)
		rc = vnicd_tap_create(sw, &cfg->uplinks[i]); /* says itself what failed */
	for (unsigned i = 0; i < cfg->n_ports && rc == 0; i++) {
		rc = vnicd_vport_create(sw, &cfg->ports[i], i);
		if (rc < 0)
			VNICD_LOG(ERR, "%s: cannot open %s: %s%s", cfg->ports[i].name, cfg->ports[i].path, strerror(-rc),
				  rc == -EADDRINUSE ? " (another program listens there, or it is no socket)" : "");
	}
	return rc;
}

static bool
loop_work(void *arg, uint64_t now)
{
	return vnicd_switch_work(arg, now);
}

static bool
loop_arm(void *arg, bool on)
{
	return vnicd_switch_arm(arg, on);
}

static uint64_t
loop_timer(void *arg, uint64_t now)
{
	return vnicd_switch_timer(arg, now);
}

static void
on_signal(void *arg, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		vnicd_loop_stop(arg);
}

/* Until a signal. */
static int
run(struct vnicd_switch *sw, const struct vnicd_config *cfg, int sigfd)
{
	struct vnicd_control *control;
	int rc = vnicd_control_create(&control, sw);

	if (rc < 0)
		return rc;
	rc = vnicd_telemetry_start(control);
	if (rc == 0)
		rc = vnicd_loop_watch(sw->loop, sigfd, on_signal, sw->loop);
	if (rc == 0)
		rc = open_ports(sw, cfg);
	if (rc == 0) {
		VNICD_LOG(NOTICE, "ready");
		vnicd_loop_run(sw->loop);
		VNICD_LOG(NOTICE, "ending");
	}
	/* First those who may be inside, then what they look at. */
	vnicd_telemetry_stop();
	vnicd_control_destroy(control);
	return rc;
}

static int
serve(const struct vnicd_config *cfg, int sigfd)
{
	static const struct vnicd_loop_ops ops = { .work = loop_work, .arm = loop_arm, .timer = loop_timer };
	static struct vnicd_switch sw;
	struct vnicd_loop *loop;
	int rc;

	rc = vnicd_memory_guard();
	if (rc == 0)
		rc = vnicd_loop_create(&loop, &ops, &sw, UINT64_C(1000) * cfg->poll.spin_us);
	if (rc < 0) {
		VNICD_LOG(ERR, "cannot start: %s", strerror(-rc));
		return rc;
	}
	rc = vnicd_switch_init(&sw, cfg, loop);
	if (rc == 0)
		rc = run(&sw, cfg, sigfd);
	vnicd_switch_fini(&sw);
	vnicd_loop_destroy(loop);
	return rc;
}

/* A level given to EAL for us wins over the configuration's. */
static void
set_log_level(const struct vnicd_config *cfg, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--log-level", 11) == 0 &&
		    (strstr(argv[i], "vnicd") != NULL || (i + 1 < argc && strstr(argv[i + 1], "vnicd") != NULL)))
			return;
	}
	rte_log_set_level((uint32_t)vnicd_logtype, (uint32_t)cfg->log_level);
}

static int
main_with_eal(int argc, char **argv, int eal_argc, char **eal_argv, int sigfd)
{
	struct vnicd_options o;
	struct vnicd_config *cfg;
	int rc;

	if (vnicd_options_parse(&o, argc, argv, stderr) < 0)
		return EXIT_FAILURE;
	cfg = load_config(o.config_file);
	if (cfg == NULL)
		return EXIT_FAILURE;
	set_log_level(cfg, eal_argc, eal_argv);
	allow_files();
	rc = serve(cfg, sigfd);
	vnicd_config_free(cfg);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	struct vnicd_options o;
	int used, status, sigfd;

	if (vnicd_options_without_eal(&o, argc, argv))
		return without_eal(&o);
	sigfd = signal_fd();
	if (sigfd < 0) {
		fprintf(stderr, "vnicd: no signalfd: raise the limit of open files (ulimit -n)\n");
		return EXIT_FAILURE;
	}
	used = rte_eal_init(argc, argv);
	runtime_note();
	if (used < 0) {
		fprintf(stderr,
			"vnicd: EAL does not start%s%s: its messages above say why; vnicd needs --no-pci and no "
			"hugepages (--no-huge -m 16), and each process its own --file-prefix\n",
			rte_errno != 0 ? ": " : "", rte_errno != 0 ? rte_strerror(rte_errno) : "");
		runtime_remove();
		return EXIT_FAILURE;
	}
	status = main_with_eal(argc - used, argv + used, used, argv, sigfd);
	rte_eal_cleanup();
	runtime_remove();
	close(sigfd);
	return status;
}
