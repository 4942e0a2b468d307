# SPDX-License-Identifier: BSD-3-Clause
# What the tests share that have smcgate in a Linux guest, on QEMU's virtio-net-pci by our driver.
# Sourced after integration/_lib.sh and lib-guest.sh, with the guest's name in $guest.

guest() { guest_exec "$guest" -t "${seconds:-90}" "$1"; }

# bind KERNEL-DRIVER: the card goes from Linux's driver to this one; its address in $device.
bind() {
	device=$(guest 'basename $(readlink -f /sys/class/net/eth0/device/..)')
	guest "d=/sys/bus/pci/devices/$device
		echo $1 >\$d/driver_override && echo $device >\$d/driver/unbind && echo $device >/sys/bus/pci/drivers_probe
		basename \$(readlink \$d/driver)" | grep -qx "$1" || fail "the card cannot be bound to $1"
}

# gate_in_guest NAME CONFIG EAL-OPTIONS: smcgate on the card, its console on a pipe; @DEVICE@ in
# the configuration is the card.
gate_in_guest() {
	printf '%s' "${2/@DEVICE@/$device}" | guest_exec "$guest" -i 'cat >/tmp/gate.json'
	guest "mkfifo /tmp/gate.in; sleep 1000 >/tmp/gate.in </dev/null 2>&1 &
		smcgate --in-memory --no-telemetry -m 128 $3 -a $device -- -i -c /tmp/gate.json </tmp/gate.in >/tmp/gate.log 2>&1 &
		echo \$! >/tmp/gate.pid"
	wait_for 60 ready || fail "$1: smcgate in the guest: $(guest 'tail -20 /tmp/gate.log')"
}
ready() { guest 'grep -q "PIPELINE: ready" /tmp/gate.log'; }

# Commands for the console, in turn; the answers are in $work/answers.
asked=0
ask() {
	asked=$((asked + 1))
	printf '%s\n' "$@" "that-was-all-$asked" | seconds=60 guest_exec "$guest" -t 60 -i "n=\$(wc -l </tmp/gate.log)
		cat >/tmp/gate.in
		i=0; until grep -q 'that-was-all-$asked.*no command' /tmp/gate.log || [ \$((i = i + 1)) = 500 ]; do usleep 50000; done
		tail -n +\$((n + 1)) /tmp/gate.log" >"$work/answers"
}

# smcgate in the guest ends in order.
end_gate_in_guest() { # NAME
	guest 'kill $(cat /tmp/gate.pid)'
	wait_for 30 eval "! guest 'kill -0 \$(cat /tmp/gate.pid)'" || fail "$1: smcgate does not end"
	guest 'tail -20 /tmp/gate.log' >"$work/end"
	! grep -q ERR "$work/end" || fail "$1: $(cat "$work/end")"
}
