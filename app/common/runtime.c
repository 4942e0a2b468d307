/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/common/runtime.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>

static char run_dir[256];

void runtime_note(void)
{
	const char *dir = rte_eal_get_runtime_dir();

	if (dir != NULL)
		snprintf(run_dir, sizeof(run_dir), "%s", dir);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)remove(path);
	return 0;
}

/* EAL locks its files there for as long as the process lives. */
static int in_use(void)
{
	char path[sizeof(run_dir) + 16];
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd, rc;

	snprintf(path, sizeof(path), "%s/config", run_dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return 0;
	rc = fcntl(fd, F_GETLK, &lock);
	close(fd);
	return rc == 0 && lock.l_type != F_UNLCK;
}

/* "<prefix>map_<number>" */
static int is_ours(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(name, prefix, len) == 0 && strncmp(name + len, "map_", 4) == 0 &&
	       strspn(name + len + 4, "0123456789") == strlen(name + len + 4);
}

static void remove_hugepages(const char *mount, const char *prefix)
{
	DIR *dir = opendir(mount);
	struct dirent *e;

	if (dir == NULL)
		return;
	while ((e = readdir(dir)) != NULL)
		if (is_ours(e->d_name, prefix))
			(void)unlinkat(dirfd(dir), e->d_name, 0);
	closedir(dir);
}

void runtime_remove(void)
{
	const char *prefix = strrchr(run_dir, '/');
	struct mntent *m;
	FILE *mounts;

	if (prefix == NULL || prefix[1] == '\0' || in_use())
		return;
	mounts = setmntent("/proc/mounts", "r");
	while (mounts != NULL && (m = getmntent(mounts)) != NULL)
		if (strcmp(m->mnt_type, "hugetlbfs") == 0)
			remove_hugepages(m->mnt_dir, prefix + 1);
	if (mounts != NULL)
		endmntent(mounts);
	nftw(run_dir, remove_entry, 4, FTW_DEPTH | FTW_PHYS);
	run_dir[0] = '\0';
}
