# SPDX-License-Identifier: BSD-3-Clause
"""_bulk.py down|up|echo|discard MIB SERVER TARGET: move MIB MiB over one connection
to TARGET and compare checksums of what one side sent and the other got. SERVER is
where the back end is to listen for down and up."""
import hashlib
import os
import socket
import sys
import threading

BLOCK = 1 << 20


def address(text):
    host, port = text.split(":")
    return host, int(port)


class Flow:
    """Checksum and count of one direction."""

    def __init__(self):
        self.sum, self.octets = hashlib.blake2b(), 0

    def add(self, data):
        self.sum.update(data)
        self.octets += len(data)

    def __eq__(self, other):
        return (self.octets, self.sum.digest()) == (other.octets, other.sum.digest())


def send(sock, mib, flow):
    noise = os.urandom(BLOCK + 4096)
    for i in range(mib):
        at = (i * 97) % 4096
        data = memoryview(noise)[at:at + BLOCK]
        flow.add(data)
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)


def receive(sock, flow):
    buf = bytearray(BLOCK)
    while True:
        n = sock.recv_into(buf)
        if n == 0:
            return
        flow.add(memoryview(buf)[:n])


def run(*work):
    failed = []

    def guarded(fn, *args):
        try:
            fn(*args)
        except OSError as e:
            failed.append(f"{fn.__name__}: {e}")
    threads = [threading.Thread(target=guarded, args=w, daemon=True) for w in work]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        sys.exit("; ".join(failed))


def through_proxy(mode, mib, server, target):
    listener = socket.create_server(address(server))
    near = socket.create_connection(address(target), timeout=60)
    far, _ = listener.accept()
    far.settimeout(60)
    sender, receiver = (far, near) if mode == "down" else (near, far)
    sent, got, back = Flow(), Flow(), Flow()
    run((send, sender, mib, sent), (receive, receiver, got))
    receiver.shutdown(socket.SHUT_WR)
    run((receive, sender, back))
    return sent, got


def main():
    mode, mib, server, target = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    sent, got = Flow(), Flow()
    if mode in ("down", "up"):
        sent, got = through_proxy(mode, mib, server, target)
    else:
        sock = socket.create_connection(address(target), timeout=60)
        run((send, sock, mib, sent), (receive, sock, got))
        if mode == "discard":
            sys.exit(f"discard sent {got.octets} octets" if got.octets else 0)
    if sent != got:
        sys.exit(f"sent {sent.octets} octets, got {got.octets}, checksums differ")


main()
