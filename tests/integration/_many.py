# SPDX-License-Identifier: BSD-3-Clause
"""_many.py N HOST PORT: hold N connections open at once to an HTTP service, then have
a request served on each, twice."""
import resource
import selectors
import socket
import sys
import time

n, target = int(sys.argv[1]), (sys.argv[2], int(sys.argv[3]))
resource.setrlimit(resource.RLIMIT_NOFILE, (n + 100, max(n + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
sel = selectors.DefaultSelector()


def wait_all(socks, event, handle, seconds):
    """Wait until handle(sock) was true once for each."""
    end, left = time.monotonic() + seconds, set(socks)
    for s in socks:
        sel.register(s, event)
    while left:
        if time.monotonic() > end:
            sys.exit(f"{len(left)} of {n} connections not served in {seconds} s")
        for key, _ in sel.select(1):
            if handle(key.fileobj):
                sel.unregister(key.fileobj)
                left.discard(key.fileobj)


def connected(s):
    error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        sys.exit(f"connect: error {error}")
    return True


socks = []
for first in range(0, n, 500):
    some = [socket.socket() for _ in range(first, min(n, first + 500))]
    for s in some:
        s.setblocking(False)
        s.connect_ex(target)
    wait_all(some, selectors.EVENT_WRITE, connected, 60)
    socks += some
print(f"{len(socks)} connections open", flush=True)

for turn in range(2):
    got = dict.fromkeys(socks, b"")
    for s in socks:
        s.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    def answered(s):
        got[s] += s.recv(65536)
        head, blank, body = got[s].partition(b"\r\n\r\n")
        return blank and head.startswith(b"HTTP/1.1 200") and len(body) == 1024
    wait_all(socks, selectors.EVENT_READ, answered, 90)
print("all served twice")
if len(sys.argv) > 4:
    sys.stdin.read()
