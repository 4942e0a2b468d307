/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets of DPDK's drivers that listen: those drivers do not replace what a killed process left. */
#ifndef PIPELINE_STALE_H
#define PIPELINE_STALE_H

/*
 * Make way for a virtual device that is to listen on a Unix socket (net_vhost, net_virtio_user and net_memif as
 * servers, by their arguments in vdev): a socket that nobody listens on is removed, and that is logged. Main lcore,
 * before the device is made. 0, also where there is nothing to do; -EADDRINUSE, logged, where another process listens
 * or the file is no socket.
 */
int stale_remove(const char *port, const char *vdev);

#endif
