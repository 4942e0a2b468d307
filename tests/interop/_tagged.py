#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Sends frames with a VLAN tag, ten a second: _tagged.py INTERFACE STATION VLAN. The kernel need know no VLANs."""
import socket
import struct
import sys
import time

interface, station, vlan = sys.argv[1:]
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind((interface, 0))
# Of a type for experiments (IEEE 802a), so that nobody answers.
frame = (bytes.fromhex(station.replace(":", "")) + out.getsockname()[4] + struct.pack("!HHH", 0x8100, int(vlan), 0x88b5)
         + bytes(64))
while True:
    try:
        out.send(frame)
    except OSError as e:   # no room, or the tap has no reader just now
        print(e, file=sys.stderr)
    time.sleep(0.1)
