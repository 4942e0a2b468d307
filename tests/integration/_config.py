# SPDX-License-Identifier: BSD-3-Clause
"""_config.py DIRECTORY JSON: the configuration of a test, on standard output."""
import json
import sys

work, changes = sys.argv[1], json.loads(sys.argv[2])
port = {"name": "tap0", "device": "net_tap0", "vdev": "net_tap0,iface=dtap0", "addresses": ["10.77.0.2/24"]}
port.update(changes.pop("port", {}))
config = {
    "ports": [port],
    "gateway": "10.77.0.1",
    "services": [
        {"name": "web", "type": "http", "listen": "10.77.0.2:80", "body_bytes": 1024, "directory": work + "/www"},
        {"name": "relay", "type": "proxy", "listen": "10.77.0.2:8080", "backends": ["10.77.0.1:8081"]},
        {"name": "echo", "type": "echo", "listen": "10.77.0.2:7"},
        {"name": "discard", "type": "discard", "listen": "10.77.0.2:9"},
    ],
}
config.update(changes)
json.dump(config, sys.stdout, indent=2)
