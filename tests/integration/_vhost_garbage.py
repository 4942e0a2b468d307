#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A front end that speaks nonsense on a vhost-user socket.

_vhost_garbage.py PATH ROUNDS
"""
import array
import os
import random
import socket
import struct
import sys

PATH, ROUNDS = sys.argv[1], int(sys.argv[2])
VERSION, NEED_REPLY = 1, 8
rng = random.Random(4711)


def message(request, payload=b"", flags=VERSION, size=None):
    return struct.pack("<III", request, flags, len(payload) if size is None else size) + payload


def fds(*numbers):
    return [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", numbers))]


def memory(*regions):
    return struct.pack("<II", len(regions), 0) + b"".join(struct.pack("<QQQQ", *r) for r in regions)


def noise(s):
    s.sendall(rng.randbytes(rng.randrange(1, 4096)))


def half(s):
    s.sendall(message(5, memory((0, 4096, 0, 0)))[: rng.randrange(1, 30)])


def huge(s):
    s.sendall(message(rng.randrange(1, 45), b"", size=0xffffffff))


def unknown(s):
    s.sendall(message(rng.randrange(46, 1 << 32), rng.randbytes(8), VERSION | NEED_REPLY))


def wrong_version(s):
    s.sendall(message(1, b"", flags=rng.choice([0, 2, 3, 5])))


def short_payload(s):
    s.sendall(message(rng.choice([2, 5, 8, 9, 10, 12, 18, 37]), rng.randbytes(rng.randrange(0, 7)), VERSION | NEED_REPLY))


def bad_memory(s):
    size = 1 << 20
    fd = os.memfd_create("garbage")
    os.ftruncate(fd, 4096)
    table = rng.choice([
        memory((0, size, 0, 0)),                                # the file is shorter
        memory((0, (1 << 64) - 4096, 0, 0)),                    # wraps
        memory((1 << 63, 1 << 63, 1 << 63, 0)),
        memory((0, 4096, 0, (1 << 64) - 4096)),
        memory((0, 4096, 0, 0), (2048, 4096, 2048, 0)),         # overlap
        memory((0, 0, 0, 0)),
        struct.pack("<II", 9, 0) + bytes(32 * 9),               # too many
        struct.pack("<II", 0xffffffff, 0),
    ])
    n = rng.randrange(0, 4)
    s.sendmsg([message(5, table, VERSION | NEED_REPLY)], fds(*[fd] * n) if n else [])
    os.close(fd)


def rings_without_memory(s):
    s.sendall(message(3))
    s.sendall(message(2, struct.pack("<Q", 1 << 32)))
    for ring in (0, 1, 2, 255, 0xffffffff):
        s.sendall(message(8, struct.pack("<II", ring, rng.choice([0, 3, 256, 65536]))))
        s.sendall(message(9, struct.pack("<IIQQQQ", ring, 0, *[rng.getrandbits(64) for _ in range(4)])))
        r, w = os.pipe()
        s.sendmsg([message(12, struct.pack("<Q", ring & 0xff))], fds(r))
        s.sendmsg([message(13, struct.pack("<Q", ring & 0xff))], fds(w))
        os.close(r)
        os.close(w)
        s.sendall(message(18, struct.pack("<II", ring, 1)))


def many_fds(s):
    null = os.open("/dev/null", os.O_RDONLY)
    s.sendmsg([message(1)], fds(*[null] * 64))
    s.sendmsg([message(21)], fds(null))
    os.close(null)


KINDS = [noise, half, huge, unknown, wrong_version, short_payload, bad_memory, rings_without_memory, many_fds]


def main():
    for i in range(ROUNDS):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(2)
            s.connect(PATH)
            try:
                for _ in range(rng.randrange(1, 4)):
                    KINDS[i % len(KINDS)](s)
                s.shutdown(socket.SHUT_WR)
                while s.recv(4096):
                    pass
            except (BrokenPipeError, ConnectionResetError):
                pass
    print("done")


main()
