/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers of SMC sockets that Debian 12's headers lack. */
#ifndef GUEST_SMC_SOCKETS_H
#define GUEST_SMC_SOCKETS_H

#include <sys/socket.h>

#ifndef AF_SMC
#define AF_SMC 43
#endif
#ifndef IPPROTO_SMC
#define IPPROTO_SMC 256 /* since Linux 6.11 */
#endif

#endif
