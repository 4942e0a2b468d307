#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The driver on DPDK 24.11, in a tree of Debian 13: built with its compiler against its headers,
# the unit tests, and the plugin in its dpdk-testpmd against its vhost library.
#
# The headers of the driver SDK come from Debian's source package. Where the archive does not
# have that one, DPDK_SOURCE names a source tree of DPDK 24.11 to take them from; without
# both this is skipped.
. "$(dirname "$0")/../_lib.sh"
. "$here/_testpmd.sh"
. "$top/scripts/lib-guest.sh" # release_sources

install_packages mmdebstrap
packages=(gcc meson ninja-build pkg-config libc6-dev libdpdk-dev dpdk dpdk-dev libjansson-dev libnuma-dev
	libcunit1-dev libhttp-parser-dev python3 dpkg-dev xz-utils ca-certificates)
tree=$(mktemp -d "${TMPDIR:-/tmp}/smcgate-debian13.XXXXXX")
at_exit "rm -rf --one-file-system $tree"

# A command in the tree, with the system's files and $work where they are outside.
cat >"$work/inside" <<-END
	#!/bin/bash
	export PATH=/usr/sbin:/usr/bin
	exec unshare -m --propagation private bash -c 'mount -t proc proc \$0/proc && mount --rbind /dev \$0/dev &&
		mount --rbind /sys \$0/sys && mount --bind $work \$0$work && exec chroot \$0 "\$@"' $tree "\$@"
END
chmod +x "$work/inside"
inside() { "$work/inside" "$@"; }

make_tree() {
	chmod 755 "$tree"
	mkdir "$work/sources"
	release_sources trixie "$work/sources"
	mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" trixie "$tree" \
		"$work"/sources/* >"$work/tree.log" 2>&1 || fail "no tree of Debian 13: $(tail -5 "$work/tree.log")"
	mkdir -p "$tree/src" "$tree$work"
	tar -C "$top" --exclude='./build*' --exclude=./.git -c . | tar -x -C "$tree/src"
}

# From the archive, else from DPDK_SOURCE.
driver_sdk() {
	local source
	inside /src/scripts/dpdk-sdk >"$work/sdk.log" 2>&1 && return 0
	[ -n "${DPDK_SOURCE:-}" ] ||
		skip "no driver SDK of DPDK $version: $(tail -1 "$work/sdk.log"); DPDK_SOURCE may name a source tree"
	source=$(mktemp -d "$tree/dpdk.XXXXXX")
	(cd "$DPDK_SOURCE" && tar -c VERSION lib/ethdev/*.h lib/eal/include drivers/bus/*/*.h) | tar -x -C "$source"
	inside env DPDK_SOURCE="${source#"$tree"}" /src/scripts/dpdk-sdk >"$work/sdk.log" 2>&1 || fail "$(cat "$work/sdk.log")"
}

make_tree
version=$(inside pkg-config --modversion libdpdk)
[[ $version == 24.11* ]] || fail "Debian 13 has DPDK $version"
driver_sdk
note "== DPDK $version, $(inside gcc --version | head -1)"
inside sh -c 'cd /src && meson setup build && ninja -C build pmd/virtio/librte_net_vnic.so \
	$(ninja -C build -t targets all | sed -n "s|^\(tests/unit/virtio/test_[a-z0-9_]*\):.*|\1|p")' >"$work/build.log" 2>&1 ||
	fail "the driver does not build: $(grep -A5 -E 'error|ERROR' "$work/build.log" | head -20)"

note "== unit tests"
inside sh -c 'cd /src && meson test -C build --no-rebuild --num-processes 2 -t 5 --print-errorlogs \
	$(meson test -C build --list 2>/dev/null | sed "s/.* //" | grep "^virtio_")' >"$work/unit.log" 2>&1 ||
	fail "unit tests: $(tail -40 "$work/unit.log")"
grep -E '^(Ok|Fail):' "$work/unit.log"

note "== the plugin in dpdk-testpmd"
mkdir "$work/bin"
printf '#!/bin/sh\nexec %s dpdk-testpmd "$@"\n' "$work/inside" >"$work/bin/dpdk-testpmd"
chmod +x "$work/bin/dpdk-testpmd"
PATH=$work/bin:$PATH
eal_memory="--no-huge --iova-mode=va -m 128"
plugin=/src/build/pmd/virtio/librte_net_vnic.so
sock=$work/sock

# Both ends forward; packets count at both.
moves() { # WHAT FRONT-MODE BACK-MODE DIRECTION...
	local what=$1 fmode=$2 bmode=$3 d; shift 3
	say_to back stop "set fwd $bmode" start
	say_to front stop "set fwd $fmode" "start${tx_first:+ tx_first}"
	for d in "$@"; do check "$what: $d" grows_by 3000 packets front "$d"; done
	say_to front stop
}
pmd_start back 0@0,1@0 "--vdev=net_vhost0,iface=$sock,queues=2,tso=1" "--rxq=2 --txq=2 --nb-cores=1" || fail "no back end"
for ring in packed=0 packed=1 packed=0,mrg_rxbuf=0,indirect=0 packed=1,in_order=0,event_idx=0; do
	pmd_start front 0@1,1@1 "-d $plugin --log-level=pmd.net.vnic:info --vdev=net_vnic0,path=$sock,queues=2,$ring" \
		"--rxq=2 --txq=2 --nb-cores=1" || fail "the port does not start ($ring)"
	moves "$ring: txonly" txonly rxonly TX
	moves "$ring: rxonly" rxonly txonly RX
	tx_first=yes moves "$ring: io" io io RX TX
	say_to front "port stop 0" "port config 0 rx_offload tcp_cksum on" "csum set tcp hw 0" "port start 0"
	moves "$ring: csum, after port stop and start" csum flowgen RX TX
	equal "$ring: faults" "$(tell front "show port xstats 0" |
		grep -E '^(vnic_fault_|rx_q[0-9]+_drop_|vnic_broken)' | grep -v ': 0$' || true)" ""
	pmd_end front
done
pmd_end back
say "DPDK $version: built, tested, packets moved"
