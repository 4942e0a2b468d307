# SPDX-License-Identifier: BSD-3-Clause
"""The link between the server and the load, both smcgate: vhost-user. The server
has the device's side, which copies for both ends."""

ADDRESS = "10.9.0.1"
SOURCES = [f"10.9.0.{h}" for h in range(2, 10)]


def port(device, args, addresses, mac, tso):
    return {"name": "link", "device": device, "vdev": f"{device},{args}", "mac": mac, "arp_announce": False,
            "addresses": [a + "/24" for a in addresses], "offloads": {"tso": "auto" if tso else "off"},
            "rx_descriptors": 64, "tx_descriptors": 64}


def device_port(lab, tso=True):
    """Another socket each time: a new server is another device."""
    lab.link = lab.dir / f"link{lab.count}"
    return port("net_vhost0", f"iface={lab.link}" + (",tso=1" if tso else ""), [ADDRESS], "02:00:00:00:09:01", tso)


def driver_port(lab, tso=True):
    return port("net_virtio_user0", f"path={lab.link},queues=1,packed_vq=1,mrg_rxbuf=1,in_order=1", SOURCES,
                "02:00:00:00:09:02", tso)
