# SPDX-License-Identifier: BSD-3-Clause
"""_slow.py HOST PORT PATH COPY GO: get a file by HTTP into COPY, so that there is no
doubt about when the transfer is under way: with a receive buffer that the kernel does not
enlarge it reads a first piece, says "under way" and reads no more until a line, or the end,
comes from the FIFO GO. Exit status 0 when the whole body came."""
import socket
import sys

host, port, path, copy, go = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
sock.settimeout(60)
sock.connect((host, port))
sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
head = b""
while b"\r\n\r\n" not in head:
    data = sock.recv(4096)
    if not data:
        sys.exit("closed within the header")
    head += data
head, _, body = head.partition(b"\r\n\r\n")
if not head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.0 200 ")):
    sys.exit(f"not a page: {head[:60]!r}")
left = int(dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])[b"content-length"]) - len(body)
print("under way", flush=True)
with open(go, "rb") as told:
    told.readline()
with open(copy, "wb") as out:
    out.write(body)
    while left > 0:
        data = sock.recv(65536)
        if not data:
            sys.exit(f"closed with {left} octets to come")
        out.write(data)
        left -= len(data)
