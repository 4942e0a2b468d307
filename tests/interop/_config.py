# SPDX-License-Identifier: BSD-3-Clause
"""_config.py JSON: changes to the configuration of a test, on smcgate's port of the lab."""
import json
import sys

changes = json.loads(sys.argv[1])
port = {"name": "gate0", "device": "net_af_packet0", "vdev": "net_af_packet0,iface=gate0"}
port.update(changes.get("port", {}))
changes["port"] = port
print(json.dumps(changes))
