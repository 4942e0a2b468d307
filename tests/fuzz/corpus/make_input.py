#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write the seeds of fuzz_input: lives of connections in its operations.

make_input.py DIRECTORY. The format is that of operation() in fuzz_input.c.
"""
import os
import sys

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
SEQ, ACKNUM, WIN, URGENT, OPT, LEN, DOFF, MORE = 1, 2, 4, 8, 16, 32, 64, 128


def u16(v):
    return bytes([(v >> 8) & 255, v & 255])


def seg(flow, flags, seq=None, ack=None, win=None, urg=None, opt=None, length=None, flush=True):
    """One segment; seq and ack are distances from what is expected."""
    mods, out = 0, b''
    if seq is not None:
        mods |= SEQ
        out += u16(seq)
    if ack is not None and flags & ACK:
        mods |= ACKNUM
        out += u16(ack)
    if win is not None:
        mods |= WIN
        out += u16(win)
    if urg is not None:
        mods |= URGENT
        out += u16(urg)
    if opt is not None:
        mods |= OPT
        out += bytes([len(opt) // 4]) + opt
    if length is not None:
        mods |= LEN
        out += u16(length)
    return bytes([flow | (8 if flush else 0), mods, flags]) + out + b'\x00'


def call(flow, what, n=0):
    return bytes([0xa0, flow | what << 2]) + u16(n)


def ms(exponent):
    return bytes([0xd0 | exponent])


def ten_seconds(n):
    return bytes([0xe0 | n])


def icmp(flow, kind, code, rest=b'\x00\x00\x04\xb0'):
    return bytes([0x78, flow, 0, 0, kind, code]) + rest


WRITE, READ, TAKE, SHUTDOWN, CLOSE, ABORT, CORK = 0, 2, 4, 5, 6, 7, 8
SYN_OPTIONS = bytes([2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7])
SMC = bytes([1, 1, 254, 6, 0xe2, 0xd4, 0xc3, 0xd9])


def sack(*edges):
    body = b''.join(int(e).to_bytes(4, 'big') for e in edges)
    return bytes([1, 1, 5, 2 + len(body)]) + body


SEEDS = {
    'request_response': seg(0, ACK | PSH, length=64) + call(0, READ, 65) + call(0, WRITE, 1000) + seg(0, ACK) +
        seg(0, ACK | FIN) + call(0, CLOSE) + seg(0, ACK) + ten_seconds(7),
    'accept_smc': seg(2, SYN, opt=SYN_OPTIONS + SMC) + seg(2, ACK, length=100) + call(2, READ, 101) + call(2, ABORT),
    'connect': seg(1, SYN | ACK, opt=SYN_OPTIONS) + seg(1, ACK, length=10) + call(1, WRITE, 5000) + seg(1, ACK),
    'connect_refused': seg(1, RST | ACK),
    'simultaneous_open': seg(1, SYN, opt=SYN_OPTIONS) + seg(1, SYN | ACK, seq=65535) + seg(1, ACK),
    'out_of_order': seg(0, ACK, seq=2000, length=1000) + seg(0, ACK, seq=4000, length=1000) +
        seg(0, ACK, seq=1000, length=1200) + seg(0, ACK, seq=0, length=1400) + call(0, READ, 4001),
    'loss_and_sack': call(0, WRITE, 8000) + call(0, WRITE, 8000) +
        b''.join(seg(0, ACK, ack=-8000, opt=sack(i, i + 1460)) for i in range(4)) + ms(9) + ms(10) + seg(0, ACK),
    'zero_window': seg(0, ACK, win=0) + call(0, WRITE, 4000) + ms(10) + ms(11) + seg(0, ACK, win=5000),
    'urgent': seg(0, ACK, urg=5, length=10) + call(0, READ, 4),
    'resets': seg(0, RST, seq=1) + seg(0, SYN) + seg(0, RST) + seg(2, SYN) + seg(2, RST),
    'time_wait': call(0, SHUTDOWN) + seg(0, ACK | FIN) + call(0, CLOSE) + ms(9) + seg(0, SYN, seq=1000) +
        seg(0, ACK | FIN, seq=65535),
    'splice': seg(0, ACK, length=1400) + call(0, TAKE, 1400) + seg(0, ACK) + ms(4),
    'fragments': bytes([0x68, 0]) + u16(100) + bytes([2, 0, 8, 0, 8, 7, 0]) + ten_seconds(4),
    'icmp': call(0, WRITE, 3000) + icmp(0, 3, 4) + icmp(1, 3, 3) + icmp(0, 11, 0) + icmp(0, 8, 0),
    'arp': bytes([0x88, 0, 0x01, 0x88, 1, 0x02, 0x88, 1, 0x15, 0x88, 0, 0x06]),
    'raw': bytes([0x98, 60, 0]) + bytes(range(60)),
    'ip_options': bytes([0x78, 0, 0x21, 131, 7, 4, 10, 0, 0, 1, 0, 40]) + bytes(40) + b'\x06',
    'burst': b''.join(seg(0, ACK, length=1000, flush=False) for _ in range(8)) + b'\xf0' + call(0, READ, 4095),
    'cookie': seg(2, SYN) + seg(3, SYN) + seg(3, ACK, length=3) + seg(2, ACK),
    'keepalive': call(0, 10, 1) + ten_seconds(15) * 4,
}


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for n, (name, body) in enumerate(SEEDS.items()):
        for kind in (0, 0xff) if n % 3 == 0 else (1 << n % 8,):
            with open(os.path.join(sys.argv[1], '%s_%02x' % (name, kind)), 'wb') as f:
                f.write(bytes([kind]) + body)


if __name__ == '__main__':
    main()
