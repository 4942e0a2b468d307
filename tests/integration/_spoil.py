# SPDX-License-Identifier: BSD-3-Clause
"""_spoil.py LISTEN CONNECT: carry vhost-user messages, and their descriptors, between the front end that comes to the
socket LISTEN and the back end at CONNECT. For each line read, the number of a virtqueue, write addresses that the
back end cannot reach into all of its descriptors, as a driver that is broken would, and say "spoilt"."""
import array
import mmap
import os
import selectors
import socket
import struct
import sys

HEADER = struct.Struct("=III")  # request, flags, size
REGION = struct.Struct("=QQQQ")  # guest address, size, user address, offset in the file
SET_MEM_TABLE, SET_VRING_NUM, SET_VRING_ADDR, ADD_MEM_REG = 5, 8, 9, 37


def receive(sock):
    """A message: header, payload, descriptors; the latter come with the first octet."""
    data, ancillary, _, _ = sock.recvmsg(HEADER.size, socket.CMSG_SPACE(4 * 16))
    fds = array.array("i")
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(value[:len(value) - len(value) % fds.itemsize])
    if not data:
        return None
    while len(data) < HEADER.size:
        data += sock.recv(HEADER.size - len(data))
    size = HEADER.size + HEADER.unpack(data)[2]
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            return None
        data += more
    return data, list(fds)


class FrontEnd:
    """What it has told about its memory and rings."""

    def __init__(self):
        self.regions, self.size, self.table = {}, {}, {}

    def region(self, octets, fd):
        _, size, user, offset = REGION.unpack(octets)
        self.regions[user] = size, offset, os.dup(fd)

    def told(self, data, fds):
        request, payload = HEADER.unpack_from(data)[0], data[HEADER.size:]
        if request == SET_MEM_TABLE:
            for i, fd in enumerate(fds):
                self.region(payload[8 + i * REGION.size:][:REGION.size], fd)
        elif request == ADD_MEM_REG and fds:
            self.region(payload[8:8 + REGION.size], fds[0])
        elif request == SET_VRING_NUM:
            index, self.size[index] = struct.unpack_from("=II", payload)[0], struct.unpack_from("=II", payload)[1]
        elif request == SET_VRING_ADDR:
            index, _, self.table[index] = struct.unpack_from("=IIQ", payload)

    def spoil(self, index):
        at = self.table[index]
        for user, (size, offset, fd) in self.regions.items():
            if user <= at < user + size:
                with mmap.mmap(fd, offset + size) as memory:
                    for i in range(self.size[index]):
                        struct.pack_into("=Q", memory, offset + at - user + 16 * i, 0xdead << 40 | i << 12)
                return
        sys.exit(f"virtqueue {index} is in no memory that was shared")


listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(1)
print("ready", flush=True)
front, _ = listener.accept()
back = socket.socket(socket.AF_UNIX)
back.connect(sys.argv[2])
driver = FrontEnd()
events = selectors.DefaultSelector()
for what in (front, back, sys.stdin):
    events.register(what, selectors.EVENT_READ)
while True:
    for key, _ in events.select():
        if key.fileobj is sys.stdin:
            line = sys.stdin.readline()
            if not line:
                sys.exit(0)
            driver.spoil(int(line))
            print("spoilt", flush=True)
            continue
        message = receive(key.fileobj)
        if message is None:
            sys.exit(0)
        if key.fileobj is front:
            driver.told(*message)
        socket.send_fds(back if key.fileobj is front else front, [message[0]], message[1])
        for fd in message[1]:
            os.close(fd)
