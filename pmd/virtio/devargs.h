/* SPDX-License-Identifier: BSD-3-Clause */
/* Device arguments: "key=value,..." of --vdev or -a; doc/virtio.md says what each means. */
#ifndef VNIC_DEVARGS_H
#define VNIC_DEVARGS_H

#include <stddef.h>

struct vnic_args;

/*
 * Defaults, then what text (NULL: nothing) says. Keys that are not known, given twice
 * or out of their range are refused with -EINVAL and a sentence in why that names the key,
 * and the known ones where it helps. Pure but for memory: -ENOMEM.
 */
int vnic_args_parse(struct vnic_args *out, const char *text, char *why, size_t len);

#endif
