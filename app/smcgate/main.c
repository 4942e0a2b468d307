/* SPDX-License-Identifier: BSD-3-Clause */
/* The program: EAL, options, configuration, pipelines, and an orderly end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_version.h>

#include "app/smcgate/config/config.h"
#include "app/smcgate/console/console.h"
#include "app/smcgate/lcores.h"
#include "app/smcgate/options.h"
#include "app/smcgate/pipeline/pipeline.h"
#include "app/smcgate/report.h"
#include "app/common/runtime.h"
#include "pmd/base/log.h"

/* SIGINT and SIGTERM: the first asks for an orderly end, the second hurries it. */
static volatile sig_atomic_t stop_asked;
static int stop_fd = -1;

static void on_signal(int sig)
{
	uint64_t one = 1;
	int saved = errno;

	stop_asked++;
	if (write(stop_fd, &one, sizeof(one)) < 0)
		stop_asked++; /* cannot happen below 2^64 signals */
	errno = saved;
}

static bool hurried(void)
{
	return stop_asked > 1;
}

static int catch_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };

	stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (stop_fd < 0)
		return -errno;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	return 0;
}

/* Drivers use real-time signals to tell of packets (net_tap): workers may take
 * them, this thread has better to do. */
static void leave_driver_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		sigaddset(&set, sig);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static struct config *load_config(const char *file)
{
	struct cfg_errors errs = { 0 };
	struct config *cfg = NULL;

	if (config_load(file, &cfg, &errs) < 0)
		cfg_errors_print(&errs, "smcgate", stderr);
	cfg_errors_free(&errs);
	return cfg;
}

/* As far as it can be said without starting: with EAL's lcores too, if they are given. */
static int check_config(const struct options *o, int argc, char **argv)
{
	struct config *cfg = load_config(o->config_file);
	struct cfg_errors errs = { 0 };
	char *args[LCORES_ARGS_MAX];
	int n = lcores_args(argc, argv, args), rc = 0;

	if (cfg == NULL)
		return EXIT_FAILURE;
	if (n >= 0) {
		rc = lcores_check(args, n, argv[0], cfg, &errs);
		runtime_note();
		if (rc == 0)
			rte_eal_cleanup();
		runtime_remove();
	}
	if (rc < 0)
		fprintf(stderr, "smcgate: EAL does not start with these lcores: its messages above say why\n");
	else if (cfg_errors_any(&errs))
		rc = -EINVAL;
	cfg_errors_print(&errs, "smcgate", stderr);
	cfg_errors_free(&errs);
	config_free(cfg);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int without_eal(const struct options *o, int argc, char **argv)
{
	if (o->help) {
		options_usage(stdout);
		return EXIT_SUCCESS;
	}
	if (o->version) {
		printf("smcgate %s, %s\n", SMCGATE_VERSION, rte_version());
		return EXIT_SUCCESS;
	}
	return check_config(o, argc, argv);
}

/* Levels given to EAL for our layers win over the configuration's. */
static void set_log_levels(const struct config *cfg, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strncmp(argv[i], "--log-level", 11) == 0 &&
		    (strstr(argv[i], "smcgate") != NULL ||
		     (i + 1 < argc && strstr(argv[i + 1], "smcgate") != NULL)))
			return;
	for (unsigned l = 0; l < LOG_LAYERS; l++)
		rte_log_set_level((uint32_t)log_types[l], (uint32_t)cfg->log.layers[l]);
}

static int deal_queues(struct config *cfg)
{
	struct cfg_errors errs = { 0 };
	int rc = lcores_deal(cfg, &errs);

	if (rc < 0)
		cfg_errors_print(&errs, "smcgate", stderr);
	cfg_errors_free(&errs);
	return rc;
}

/* Until a signal or "quit". Fails when the command file does, with --strict. */
static int run(struct pipeline *pl, const struct options *o)
{
	static struct report report;
	struct console *con;
	int rc;

	rc = console_start(&con, pl, o, stop_fd);
	if (rc < 0)
		return rc;
	report_init(&report, pl, o->stats_period, stdout);
	LOG(PIPELINE, NOTICE, "ready");
	if (o->cmdline_file != NULL)
		rc = console_run_file(con, o->cmdline_file);
	while (rc == 0 && stop_asked == 0 && console_poll(con, (int)report_poll(&report)) == 0)
		pipeline_announce(pl);
	console_stop(con);
	return rc;
}

static int serve(struct config *cfg, const struct options *o)
{
	struct pipeline *pl;
	int rc, failed = 0;

	rc = pipeline_create(&pl, cfg);
	if (rc < 0)
		return EXIT_FAILURE;
	pipeline_cancel_on(pl, stop_fd);
	rc = stop_asked == 0 ? pipeline_start(pl) : -ECANCELED;
	if (rc == 0) {
		failed = run(pl, o);
		LOG(PIPELINE, NOTICE, "ending; again to hurry");
		pipeline_stop(pl, cfg->shutdown.grace_ms, hurried);
	}
	pipeline_destroy(pl);
	return failed == 0 && (rc == 0 || rc == -ECANCELED) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int main_with_eal(int argc, char **argv, int eal_argc, char **eal_argv)
{
	struct options o;
	struct config *cfg;
	int status = EXIT_FAILURE;

	if (options_parse(&o, argc, argv, stderr) < 0)
		return EXIT_FAILURE;
	cfg = load_config(o.config_file);
	if (cfg == NULL)
		return EXIT_FAILURE;
	set_log_levels(cfg, eal_argc, eal_argv);
	if (deal_queues(cfg) == 0)
		status = serve(cfg, &o);
	config_free(cfg);
	return status;
}

int main(int argc, char **argv)
{
	struct options o;
	int used, status;

	if (options_without_eal(&o, argc, argv))
		return without_eal(&o, argc, argv);
	if (options_refused(argc, argv, stderr))
		return EXIT_FAILURE;
	if (catch_signals() < 0) {
		fprintf(stderr, "smcgate: no eventfd: raise the limit of open files (ulimit -n)\n");
		return EXIT_FAILURE;
	}
	used = rte_eal_init(argc, argv);
	runtime_note();
	if (used < 0) {
		fprintf(stderr,
			"smcgate: EAL does not start%s%s: its messages above say why; without hugepages give "
			"it --no-huge -m 512, and each process its own --file-prefix\n",
			rte_errno != 0 ? ": " : "", rte_errno != 0 ? rte_strerror(rte_errno) : "");
		runtime_remove();
		return EXIT_FAILURE;
	}
	leave_driver_signals();
	status = stop_asked == 0 ? main_with_eal(argc - used, argv + used, used, argv) : EXIT_SUCCESS;
	rte_eal_cleanup();
	runtime_remove();
	return status;
}
