# SPDX-License-Identifier: BSD-3-Clause
"""_misuse.py http | proxy | load: peers that do what they should not.

http: requests that are wrong, or right and unusual, each followed on the same connection by
a request for /sentinel: what it is answered with tells whether the two were told apart.
proxy: clients and back ends of the proxies that services_misuse.sh configures.
load: servers for the load service, until standard input ends.
Exit status 0 when everything was as expected; else each surprise is a line."""
import hashlib
import os
import socket
import struct
import sys
import threading
import time

GATE, KERNEL = "10.77.0.2", "10.77.0.1"
SENTINEL = b"GET /sentinel HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
surprises = []


def expect(name, found, wanted):
    if found != wanted:
        surprises.append(f"{name}: found {found!r}, wanted {wanted!r}")


HASTY = 81  # the same pages, little time


def dial(port, rcvbuf=None):
    sock = socket.socket()
    if rcvbuf:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.settimeout(60)
    sock.connect((GATE, port))
    return sock


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_all(sock):
    """Everything until the end, and how it ended."""
    data = bytearray()
    try:
        while piece := sock.recv(65536):
            data += piece
        return bytes(data), "closed"
    except ConnectionResetError:
        return bytes(data), "reset"
    except TimeoutError:
        return bytes(data), "timed out"


def statuses(data, heads=()):
    """The statuses of the answers in data; heads: indices of those that answer a HEAD."""
    found = []
    while data:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end or not head.startswith(b"HTTP/1.1 "):
            return found + [f"junk {data[:40]!r}"]
        status = int(head[9:12])
        found.append(status)
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        size = int(fields[b"content-length"]) if status >= 200 and len(found) - 1 not in heads else 0
        if len(rest) < size:
            return found + ["cut short"]
        data = rest[size:]
    return found


# ---- http ------------------------------------------------------------------------------
def get(path=b"/", fields=b"", version=b"1.1", method=b"GET"):
    return method + b" " + path + b" HTTP/" + version + b"\r\nHost: x\r\n" + fields + b"\r\n"


def chunks(body, fields=b"", method=b"POST"):
    return get(method=method, fields=b"Transfer-Encoding: chunked\r\n" + fields) + body


def length(value, body=b"", fields=b""):
    return get(method=b"POST", fields=b"Content-Length: " + value + b"\r\n" + fields) + body


OPEN = [404]  # the sentinel's answer: the connection was left open, and in step
HTTP = [
    # name, octets (a list: sent apart), answers
    ("plain", get(), [200] + OPEN),
    ("three", get() * 3, [200] * 3 + OPEN),
    ("no Host", b"GET / HTTP/1.1\r\n\r\n", [400]),
    ("two Hosts", get(fields=b"Host: y\r\n"), [400]),
    ("HTTP/0.9", b"GET /\r\n\r\n", [400]),
    ("HTTP/1.0", get(version=b"1.0"), [200]),
    ("HTTP/1.0 without Host", b"GET / HTTP/1.0\r\n\r\n", [200]),
    ("HTTP/1.0 keep-alive", get(version=b"1.0", fields=b"Connection: keep-alive\r\n"), [200] + OPEN),
    ("HTTP/1.1 close", get(fields=b"Connection: close\r\n"), [200]),
    ("HTTP/2.0", get(version=b"2.0"), [505]),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400]),
    ("HTTP/1.", b"GET / HTTP/1.\r\nHost: x\r\n\r\n", [400]),
    ("HTTP/11.1", get(version=b"11.1"), [400]),
    ("lower case", get(method=b"get"), [400]),
    ("unknown method", get(method=b"FROB"), [400]),
    ("PUT", get(method=b"PUT", fields=b"Content-Length: 0\r\n"), [405] + OPEN),
    ("DELETE", get(method=b"DELETE"), [405] + OPEN),
    ("OPTIONS *", get(b"*", method=b"OPTIONS"), [405] + OPEN),
    ("CONNECT", get(b"y:443", method=b"CONNECT"), [405]),
    ("absolute form", get(b"http://x/hello.html"), [200] + OPEN),
    ("absolute form without path", get(b"http://x"), [200] + OPEN),
    ("query", get(b"/hello.html?a=/../b"), [200] + OPEN),
    ("percent", get(b"/%68ello.html"), [200] + OPEN),
    ("bad percent", get(b"/%6"), [400]),
    ("bad percent 2", get(b"/%zz"), [400]),
    ("percent NUL", get(b"/hello.html%00"), [400]),
    ("dots", get(b"/../../../etc/passwd"), [404] + OPEN),
    ("percent dots", get(b"/%2e%2e/%2e%2e/etc/passwd"), [404] + OPEN),
    ("percent slashes", get(b"/..%2f..%2fetc%2fpasswd"), [404] + OPEN),
    ("double slash", get(b"//etc/passwd"), [404] + OPEN),
    ("no slash", get(b"hello.html"), [400]),
    ("NUL in path", get(b"/\0"), [400]),
    ("NUL in field", get(fields=b"X: a\0b\r\n"), [400]),
    ("CR in field", get(fields=b"X: a\rb\r\n"), [400]),
    ("space before colon", get(fields=b"Content-Length : 0\r\n"), [400]),
    ("field without colon", get(fields=b"nonsense\r\n"), [400]),
    ("field without name", get(fields=b": a\r\n"), [400]),
    ("empty lines in front", b"\r\n\r\n" + get(), [200] + OPEN),
    ("bare LF", b"GET / HTTP/1.1\nHost: x\n\n", [200] + OPEN),
    ("long path", get(b"/" + b"a" * 8000), [414]),
    ("long field", get(fields=b"X: " + b"a" * 200000 + b"\r\n"), [431]),
    ("many fields", get(fields=b"X: a\r\n" * 40000), [431]),
    ("endless name", b"GET / HTTP/1.1\r\n" + b"a" * 200000, [431]),
    ("GET with a body", get(fields=b"Content-Length: 5\r\n") + b"hello", [200] + OPEN),
    ("chunked GET", chunks(b"5\r\nhello\r\n0\r\n\r\n", method=b"GET"), [200] + OPEN),
    ("chunked POST", chunks(b"5;ext=1\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"), [405] + OPEN),
    ("octet by octet", [bytes([b]) for b in chunks(b"2\r\nhi\r\n0\r\n\r\n")], [405] + OPEN),
    ("chunk without size", chunks(b"\r\nhello\r\n0\r\n\r\n"), [400]),
    ("chunk of size zz", chunks(b"zz\r\nhello\r\n0\r\n\r\n"), [400]),
    ("chunk of size -1", chunks(b"-1\r\nhello\r\n0\r\n\r\n"), [400]),
    ("chunk of size 0x5", chunks(b"0x5\r\nhello\r\n0\r\n\r\n"), [400]),
    ("chunk of size 2^68", chunks(b"1" + b"0" * 17 + b"\r\nhello\r\n0\r\n\r\n"), [400]),
    ("chunk too short", chunks(b"3\r\nhello\r\n0\r\n\r\n"), [400]),
    ("chunks above the limit", chunks(b"8000\r\n" + b"a" * 32768 + b"\r\n8001\r\n" + b"a" * 32769), [413]),
    ("length and chunks", length(b"6", b"0\r\n\r\nG", b"Transfer-Encoding: chunked\r\n"), [400]),
    ("chunks and length", chunks(b"0\r\n\r\n", b"Content-Length: 5\r\n"), [400]),
    ("identity and length", length(b"5", b"hello", b"Transfer-Encoding: identity\r\n"), [400]),
    ("chunked, identity", get(method=b"POST", fields=b"Transfer-Encoding: chunked, identity\r\n") + b"0\r\n\r\n", [400]),
    ("xchunked", get(method=b"POST", fields=b"Transfer-Encoding: xchunked\r\n") + b"0\r\n\r\n", [400]),
    ("length twice", length(b"5", b"hello", b"Content-Length: 5\r\n"), [400]),
    ("lengths differ", length(b"5", b"hello", b"Content-Length: 6\r\n"), [400]),
    ("length list", length(b"5, 5", b"hello"), [400]),
    ("length -1", length(b"-1"), [400]),
    ("length +5", length(b"+5", b"hello"), [400]),
    ("length 5x", length(b"5x", b"hello"), [400]),
    ("length empty", length(b"", b""), [400]),
    ("length 2^64", length(b"18446744073709551616"), [400]),
    ("length above the limit", length(b"65537"), [413]),
    ("length at the limit", length(b"65536", b"a" * 65536), [405] + OPEN),
    ("upgrade", get(fields=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"), [200] + OPEN),
    ("upgrade with a body", [length(b"%d" % len(get()), fields=b"Connection: Upgrade\r\nUpgrade: x\r\n"), get()], [405] + OPEN),
    ("expect", length(b"5", b"hello", b"Expect: 100-continue\r\n"), [100, 405] + OPEN),
    ("expect of HTTP/1.0", b"POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", [405]),
    ("expect without a body", get(fields=b"Expect: 100-continue\r\n"), [200] + OPEN),
    ("TLS", bytes.fromhex("16030100c8010000c403030102") + bytes(range(160)), [400]),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", [400]),
    ("garbage behind", get() + b"\x80\x81garbage\r\n\r\n", [200, 400]),
    ("garbage in front", b"\x80garbage\r\n\r\n" + get(), [400]),
]


def case(name, octets, wanted):
    pieces = octets if isinstance(octets, list) else [octets]
    with dial(80) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                sock.sendall(piece)
                time.sleep(0.002 if len(pieces) < 5 else 0)
            sock.sendall(SENTINEL)
        except (ConnectionResetError, BrokenPipeError):
            pass
        data, end = read_all(sock)
    expect(name, statuses(data), wanted)
    if end != "closed":
        expect(name + ", end", end, "closed")


def head():
    with dial(80) as sock:
        sock.sendall(b"".join(get(p, method=m) for p in (b"/big.bin", b"/", b"/none") for m in (b"HEAD", b"GET")) + SENTINEL)
        data, _ = read_all(sock)
    expect("HEAD", statuses(data, heads=(0, 2, 4)), [200, 200, 200, 200, 404, 404, 404])
    heads = [h for h in data.replace(b"\r\n\r\n", b"\r\n").split(b"\r\n") if h.startswith(b"Content-Length")]
    expect("lengths of HEAD and GET", heads[0:6:2], heads[1:6:2])


def unread(n=3000):
    """Many requests, no answer read until all are on their way, or wait for us to read."""
    sock = dial(80, rcvbuf=8192)
    sock.settimeout(0.5)
    out, sent = get() * n + SENTINEL, 0
    try:
        while sent < len(out):
            sent += sock.send(out[sent:sent + 65536])
    except TimeoutError:
        pass
    sock.settimeout(60)
    rest = threading.Thread(target=sock.sendall, args=(out[sent:],))
    rest.start()
    data, end = read_all(sock)
    rest.join()
    sock.close()
    expect("unread answers", (statuses(data), end), ([200] * n + OPEN, "closed"))


def half_closed():
    for name, octets, wanted in (("request", get(b"/big.bin"), [200]), ("half a request", get()[:-4], []),
                                 ("nothing", b"", []), ("two", get() * 2, [200, 200])):
        with dial(80) as sock:
            sock.sendall(octets)
            sock.shutdown(socket.SHUT_WR)
            data, end = read_all(sock)
        expect("half-closed after " + name, (statuses(data), end), (wanted, "closed"))


def aborted():
    for octets in (get(b"/big.bin"), get(b"/big.bin") * 5, get()[:-4], get(b"/none"), b"", b"\x80"):
        sock = dial(80, rcvbuf=8192)
        sock.sendall(octets)
        time.sleep(0.02)
        reset(sock)


def slow(name, octets, wanted, every=0.1):
    """An octet at a time: the request's time is over first."""
    sock = dial(HASTY)
    begin = time.monotonic()
    sock.settimeout(every)
    data, over = b"", False
    for octet in octets:
        try:
            sock.send(bytes([octet]))
            piece = sock.recv(4096)
        except TimeoutError:
            continue
        except ConnectionError:
            break
        data += piece
        if not piece:
            over = True
            break
    sock.close()
    expect(name, (statuses(data), over), (wanted, True))
    if time.monotonic() - begin < 0.9:
        surprises.append(f"{name}: ended after {time.monotonic() - begin:.1f} s")


def stuck():
    """A page that is not read: the connection goes when there is no progress."""
    sock = dial(HASTY, rcvbuf=4096)
    sock.sendall(get(b"/big.bin"))
    time.sleep(4)
    _, end = read_all(sock)
    expect("a page that is not read", end, "reset")


def http():
    slows = [threading.Thread(target=slow, args=a) for a in (
        ("slow line", b"GET /" + b"a" * 100, [408]), ("slow fields", get()[:-2] + b"X: y\r\n" * 20, [408]),
        ("slow body", length(b"100") + b"a" * 100, [408]),
        ("slow chunks", chunks(b"1\r\na\r\n" * 20), [408]))] + [threading.Thread(target=stuck)]
    for t in slows:
        t.start()
    idle = dial(HASTY)
    for c in HTTP:
        case(*c)
    head()
    unread()
    half_closed()
    aborted()
    expect("an idle connection", read_all(idle), (b"", "closed"))
    for t in slows:
        t.join()


# ---- proxy -----------------------------------------------------------------------------
PATTERN = bytes((i * 7 + (i >> 8)) & 255 for i in range(1 << 16))
PLENTY = 24 << 20  # more than all buffers on the way hold


def serve(port, fn, rcvbuf=None):
    """fn(connection) in a thread for each one accepted."""
    def one(conn):
        conn.settimeout(60)
        try:
            fn(conn)
        except OSError:
            pass
        conn.close()

    def accept():
        while True:
            threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if rcvbuf:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    listener.bind((KERNEL, port))
    listener.listen(128)
    threading.Thread(target=accept, daemon=True).start()


def send_plenty(sock, n=PLENTY):
    for _ in range(n // len(PATTERN)):
        sock.sendall(PATTERN)


def digest(sock, n=None):
    """What comes until the end, or n octets: how many and their digest."""
    sum, got = hashlib.sha256(), 0
    while n is None or got < n:
        data = sock.recv(65536 if n is None else min(65536, n - got))
        if not data:
            break
        sum.update(data)
        got += len(data)
    return got, sum.hexdigest()


def plenty(n=PLENTY):
    sum = hashlib.sha256()
    for _ in range(n // len(PATTERN)):
        sum.update(PATTERN)
    return n, sum.hexdigest()


def end_of(sock):
    data, end = read_all(sock)
    sock.close()
    return len(data), end


def refused(port):
    """The same, where the reset may come while we still connect."""
    try:
        return end_of(dial(port))
    except ConnectionResetError:
        return 0, "reset"


def push_until_stuck(sock):
    """How much goes until nothing has gone for half a second."""
    sock.settimeout(0.5)
    sent = 0
    try:
        while True:
            sent += sock.send(PATTERN)
    except TimeoutError:
        sock.settimeout(60)
        return sent


class Backends:
    """By port: what a back end does. Results go where the client looks for them."""
    def __init__(self):
        self.go, self.heard, self.results, self.turns = threading.Event(), threading.Event(), {}, {}
        for port, fn, rcvbuf in ((8102, self.resets, None), (8103, self.mute, None), (8104, self.ends_first, None),
                                 (8105, self.answers_at_the_end, None), (8106, self.slow_reader, 4096),
                                 (8107, self.pours, None), (8108, self.header, None),
                                 (8110, self.counted(8110), None), (8111, self.counted(8111), None)):
            serve(port, fn, rcvbuf)

    def resets(self, conn):
        conn.recv(100)
        conn.sendall(PATTERN)
        reset(conn)

    def mute(self, conn):
        first = conn.recv(6, socket.MSG_WAITALL)
        self.heard.set()
        more, end = end_of(conn)
        self.results["mute"] = len(first) + more, end

    def ends_first(self, conn):
        conn.sendall(b"first")
        conn.shutdown(socket.SHUT_WR)
        self.results["ends first"] = digest(conn)

    def answers_at_the_end(self, conn):
        got = digest(conn)
        conn.sendall(repr(got).encode())

    def slow_reader(self, conn):
        self.go.wait(60)
        self.results["slow"] = digest(conn)

    def pours(self, conn):
        send_plenty(conn)

    def header(self, conn):
        conn.sendall(conn.recv(28, socket.MSG_WAITALL) + conn.recv(5, socket.MSG_WAITALL))

    def counted(self, port):
        def fn(conn):
            self.turns[port] = self.turns.get(port, 0) + 1
            conn.sendall(b"%d" % port)
        return fn


def settled(results, key):
    deadline = time.monotonic() + 60
    while key not in results and time.monotonic() < deadline:
        time.sleep(0.01)
    return results.pop(key, None)


def proxy():
    b = Backends()
    expect("back end that refuses", refused(9001), (0, "reset"))

    sock = dial(9002)
    sock.sendall(b"x")
    got, end = end_of(sock)
    expect("back end that resets", (got <= len(PATTERN), end), (True, "reset"))

    sock = dial(9003)
    sock.sendall(b"hello?")
    b.heard.wait(60)
    b.heard.clear()
    sock.close()
    expect("mute back end", settled(b.results, "mute"), (6, "closed"))
    sock = dial(9003)
    sock.sendall(b"hello?")
    b.heard.wait(60)
    reset(sock)
    expect("client that resets", settled(b.results, "mute"), (6, "reset"))

    sock = dial(9004)
    expect("the end of the back end", read_all(sock), (b"first", "closed"))
    send_plenty(sock, 1 << 20)
    sock.close()
    expect("after the end of the back end", settled(b.results, "ends first"), plenty(1 << 20))

    sock = dial(9005)
    send_plenty(sock, 1 << 20)
    sock.shutdown(socket.SHUT_WR)
    expect("after the end of the client", read_all(sock), (repr(plenty(1 << 20)).encode(), "closed"))
    sock.close()

    sock = dial(9006)
    sent = push_until_stuck(sock)
    if sent > PLENTY // 2:
        surprises.append(f"a back end that does not read: {sent} octets were taken")
    b.go.set()
    rest = PLENTY - sent
    sock.sendall((PATTERN * (rest // len(PATTERN) + 2))[sent % len(PATTERN):][:rest])
    sock.close()
    expect("slow back end", settled(b.results, "slow"), plenty())

    sock = dial(9007, rcvbuf=4096)
    time.sleep(0.7)
    expect("slow client", digest(sock), plenty())
    sock.close()

    sock = dial(9008)
    name = sock.getsockname()
    sock.sendall(b"hello")
    wanted = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton(name[0]) + socket.inet_aton(GATE) +
              struct.pack("!HH", name[1], 9008) + b"hello")
    expect("PROXY header", read_all(sock), (wanted, "closed"))
    sock.close()

    answers = [read_all(dial(9009)) for _ in range(20)]
    expect("one of three is dead", sorted(set(answers)), [(b"8110", "closed"), (b"8111", "closed")])
    if abs(b.turns[8110] - b.turns[8111]) > 4:
        surprises.append(f"one of three is dead: turns {b.turns}")

    waiting = [dial(9010) for _ in range(3)]  # its back end is an address nobody has
    reset(waiting[0])
    waiting[1].close()
    expect("back end that is not there", end_of(waiting[2]), (0, "reset"))


# ---- load ------------------------------------------------------------------------------
def load():
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    def answers(octets, again=True):
        def fn(conn):
            while conn.recv(65536) and (conn.sendall(octets) or again):
                pass
        return fn

    serve(8201, answers(page))
    serve(8202, lambda conn: None)                          # closes at once
    serve(8203, lambda conn: reset(conn))
    serve(8204, answers(page[:-2], again=False))            # short
    serve(8205, answers(b"\x80\x81garbage\r\n\r\n"))
    serve(8206, lambda conn: time.sleep(60))                # mute
    serve(8207, answers(page * 2))                          # twice what was asked for
    serve(8208, answers(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"))
    serve(8209, answers(page, again=False))                 # one answer, then the end
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)


{"http": http, "proxy": proxy, "load": load}[sys.argv[1]]()
print("\n".join(surprises) or "as expected", flush=True)
os._exit(1 if surprises else 0)
