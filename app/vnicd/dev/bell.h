/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Eventfds that others have, too. They are non-blocking when we take them, but
 * that is a property of the open file, which the other side may take back, and then fill the
 * counter: a write would wait for ever. Here it waits for a tenth of a second at most.
 */
#ifndef VNICD_BELL_H
#define VNICD_BELL_H

/* Add one; a full counter is as good. 0, -ETIMEDOUT: it made us wait, -errno. */
int vnicd_bell_ring(int fd);
/* Take what is there; nothing is fine. The same. */
int vnicd_bell_answer(int fd);

#endif
