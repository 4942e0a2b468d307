/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a fuzz target once over each file of a directory, in builds without
 * libFuzzer: replay DIRECTORY. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The input lies in a block of exactly its size, so that a sanitizer sees a
 * read beyond it. */
static int
replay(const char *path)
{
	FILE *f = fopen(path, "r");
	uint8_t *data = NULL;
	long size;
	int rc = -1;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 || (size = ftell(f)) < 0)
		goto out;
	rewind(f);
	data = malloc(size);
	if (size != 0 && (data == NULL || fread(data, 1, size, f) != (size_t)size))
		goto out;
	rc = LLVMFuzzerTestOneInput(data, size);
out:
	if (rc < 0)
		perror(path);
	free(data);
	if (f != NULL)
		fclose(f);
	return rc;
}

int
main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *e;
	unsigned n = 0;
	int rc = 0;

	if (dir == NULL) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return EXIT_FAILURE;
	}
	while ((e = readdir(dir)) != NULL) {
		char path[4096];

		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
		if (replay(path) < 0)
			rc = -1;
		n++;
	}
	closedir(dir);
	printf("%u inputs\n", n);
	return rc == 0 && n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
