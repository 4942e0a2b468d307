# SPDX-License-Identifier: BSD-3-Clause
# Linux guests under QEMU: building what they boot, starting, using and ending them.
# Sourced by bash scripts after lib.sh; scripts/guest is the same for the command line.
#
# A guest is a kernel of Debian's archive, unpacked and not installed, and an
# initramfs of programs of this machine's Debian and of our own (tests/guest).
# Kernels are kept in ~/.cache/smcgate, the initramfs in the build directory.

guest_packages=(qemu-system-x86 busybox-static cpio kmod xz-utils iproute2 rdma-core ethtool iperf3 redis-tools
	redis-server curl wireshark-common util-linux)
guest_cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/smcgate
guest_run=/run/smcgate-guest
guest_modules=(virtio_pci virtio_net virtio_console smc smc_diag rdma_rxe crc32_generic tcp_diag inet_diag
	af_packet_diag sch_netem sch_ingress cls_matchall act_gact)
# With -d: what runs DPDK beside. Of DPDK's own drivers the guest has the buses and the
# pools, so that the device can only be ours.
guest_dpdk_modules=(uio_pci_generic vfio-pci vfio_iommu_type1)
guest_dpdk_plugins=(bus_pci bus_vdev mempool_ring)
guest_programs=(dash ip rdma tc ss ethtool curl iperf3 redis-cli redis-benchmark redis-server)

# ---- the kernel ------------------------------------------------------------------
# apt with its own lists: the machine's sources with their release exchanged.
_guest_apt() { # COMMAND ARGUMENT...
	"$1" -qq -o APT::Sandbox::User=root -o Dir::Etc::SourceList="$kernel_dir/apt/sources.list" \
		-o Dir::Etc::SourceParts="$kernel_dir/apt/parts" -o Dir::State::Lists="$kernel_dir/apt/lists" \
		-o Dir::Cache="$kernel_dir/apt/cache" "${@:2}"
}

# The machine's own entries of the archive, with their release exchanged, as files in a directory.
release_sources() { # RELEASE DIRECTORY
	local own file
	own=$(. /etc/os-release && echo "$VERSION_CODENAME")
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.{list,sources}; do
		grep -Eqs "^(deb |Suites:).*\b$own\b" "$file" || continue
		sed "s/\b$own\b/$1/g" "$file" >"$2/$(basename "$file")"
	done
}

_guest_sources() { # RELEASE
	mkdir -p "$kernel_dir"/apt/{parts,lists/partial,cache/archives/partial}
	release_sources "$1" "$kernel_dir/apt/parts"
	: >"$kernel_dir/apt/sources.list"
	_guest_apt apt-get update >&2
}

# Sets kernel_dir and kernel_version; fetches the kernel when it is not there yet.
guest_kernel() { # 12|13
	local release package lock
	case $1 in
	12) release=bookworm ;;
	13) release=trixie ;;
	*) die "which guest? 12 (Debian 12, Linux 6.1) or 13 (Debian 13, Linux 6.12)" ;;
	esac
	kernel_dir=$guest_cache/kernel-$1
	mkdir -p "$kernel_dir"
	exec {lock}>"$kernel_dir/lock"
	flock "$lock"
	if [ ! -s "$kernel_dir/version" ]; then
		note "fetching the kernel of Debian $1"
		_guest_sources $release || note "not all package lists of Debian $1 could be read"
		package=$(_guest_apt apt-cache depends linux-image-amd64 | grep -o 'linux-image-[0-9].*' | head -1)
		[ -n "$package" ] || die "no kernel in the package lists of Debian $1"
		rm -rf "$kernel_dir/root"
		mkdir -p "$kernel_dir/root/usr/lib" "$kernel_dir/deb"
		ln -s usr/lib "$kernel_dir/root/lib" # older packages have it as a directory
		(cd "$kernel_dir/deb" && _guest_apt apt-get download "$package") >&2 || die "cannot fetch $package"
		dpkg-deb --fsys-tarfile "$kernel_dir"/deb/*.deb | tar -x --keep-directory-symlink -C "$kernel_dir/root" \
			./boot ./lib/modules 2>/dev/null ||
			dpkg-deb --fsys-tarfile "$kernel_dir"/deb/*.deb | tar -x -C "$kernel_dir/root" ./boot ./usr/lib/modules
		rm -rf "$kernel_dir/deb" "$kernel_dir/apt"
		depmod -b "$kernel_dir/root" "${package#linux-image-}"
		echo "${package#linux-image-}" >"$kernel_dir/version"
	fi
	exec {lock}>&-
	kernel_version=$(cat "$kernel_dir/version")
}

# ---- the initramfs -----------------------------------------------------------------
# The modules and what they need, uncompressed, in the order to load them.
_guest_tree_modules() { # TREE
	local module how path name
	mkdir -p "$1/lib/modules"
	for module in "${guest_modules[@]}" $([ -z "$guest_dpdk" ] || echo "${guest_dpdk_modules[@]}"); do
		modprobe -d "$kernel_dir/root" -S "$kernel_version" --show-depends "$module" 2>/dev/null || true
	done | awk '$1 == "insmod" && !seen[$2]++' | while read -r how path _; do
		name=$(basename "${path%.xz}")
		case $path in
		*.xz) xz -dc "$path" >"$1/lib/modules/$name" ;;
		*) cp "$path" "$1/lib/modules/$name" ;;
		esac
		echo "$name"
	done >"$1/etc/modules"
	grep -qx smc.ko "$1/etc/modules" || die "the kernel $kernel_version has no module smc"
	case $kernel_version in 6.1.*) _guest_helper "$1" ;; esac
}

# Linux 6.1 needs help to speak SMC over Soft-RoCE: tests/guest/smc_rxe.c.
_guest_helper() { # TREE
	local dir=$kernel_dir/smc_rxe
	install_packages "linux-headers-$kernel_version" make
	rm -rf "$dir"
	mkdir "$dir"
	cp "$top/tests/guest/smc_rxe.c" "$dir/"
	echo 'obj-m := smc_rxe.o' >"$dir/Kbuild"
	make -s -C "/usr/src/linux-headers-$kernel_version" M="$dir" modules >"$dir/log" 2>&1 ||
		{ cat "$dir/log" >&2; die "smc_rxe does not build"; }
	strip --strip-debug -o "$1/lib/modules/smc_rxe.ko" "$dir/smc_rxe.ko"
	echo smc_rxe.ko >>"$1/etc/modules"
}

_guest_libraries() { # TREE FILE
	local library
	for library in $(ldd "$2" | grep -o '/[^ ]*'); do
		case $library in
		*/ld-linux*) cp -Ln "$library" "$1/lib64/" ;;
		*) cp -Ln "$library" "$1/usr/lib/" ;;
		esac
	done
}

# smcgate, and the plugins of DPDK where it looks for them.
_guest_tree_dpdk() { # TREE
	local plugin file from
	for file in app/smcgate/smcgate tests/guest/guest_net; do
		install -s -m 755 "$build/$file" "$1/usr/bin/"
		_guest_libraries "$1" "$1/usr/bin/$(basename "$file")"
	done
	from=$(echo /usr/lib/*/dpdk/pmds-*)
	mkdir -p "$1$from"
	for plugin in "${guest_dpdk_plugins[@]}"; do
		file=$(echo "$from/librte_$plugin".so.[0-9][0-9])
		# A link: what smcgate is linked with is not to be loaded twice.
		cp -Ln "$file" "$1/usr/lib/"
		ln -s "/usr/lib/$(basename "$file")" "$1$from/librte_$plugin.so"
		_guest_libraries "$1" "$file"
	done
}

# Programs of this machine with the libraries they need.
_guest_tree_programs() { # TREE
	local program
	for program in "${guest_programs[@]}"; do
		cp -L "$(command -v "$program")" "$1/usr/bin/$program"
		_guest_libraries "$1" "$1/usr/bin/$program"
	done
	# Not busybox's, which runs its own applets before it looks for a program.
	ln -sf ../usr/bin/dash "$1/bin/sh"
	rm -f "$1/bin/ip" "$1/sbin/ip" "$1/bin/tc" "$1/bin/ss"
}

_guest_tree_own() { # TREE
	local own=$top/tests/guest file
	install -m 755 "$own/init" "$1/init"
	install -m 755 "$own/smcup" "$own/smcrun" "$1/bin/"
	install -s -m 755 "$build"/tests/guest/{guestd,smctest,smcctl} "$1/bin/"
	install -s -m 755 "$build/tests/guest/libsmcrun.so" "$1/usr/lib/"
	cat >"$1/etc/passwd" <<-'END'
		root:x:0:0:root:/root:/bin/sh
		nobody:x:65534:65534::/:/bin/sh
	END
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$1/etc/group"
	echo '127.0.0.1 localhost' >"$1/etc/hosts"
}

_guest_tree() { # TREE
	local applet
	mkdir -p "$1"/{bin,sbin,usr/bin,usr/sbin,usr/lib,lib64,etc,proc,sys,dev,tmp,run,root,var/log,var/lib}
	mknod -m 600 "$1/dev/console" c 5 1
	mknod -m 666 "$1/dev/null" c 1 3
	cp /bin/busybox "$1/bin/busybox"
	for applet in $("$1/bin/busybox" --list); do
		[ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
	done
	_guest_tree_modules "$1"
	_guest_tree_programs "$1"
	_guest_tree_own "$1"
	[ -z "$guest_dpdk" ] || _guest_tree_dpdk "$1"
}

# Sets guest_image (an initramfs) and guest_vmlinuz; builds what is not up to date. With
# guest_dpdk=yes there is smcgate in it.
guest_dpdk=
guest_build() { # [12|13]
	local tree lock
	need_root
	install_packages "${guest_packages[@]}"
	[ -f "$build/build.ninja" ] || "$top/scripts/setup" test
	ninja -C "$build" tests/guest/{guestd,smctest,smcctl,gexec,guest_net,libsmcrun.so} >"$build/guest.log" 2>&1 ||
		{ tail -20 "$build/guest.log" >&2; die "the guest's programs do not build"; }
	guest_kernel "${1:-13}"
	guest_vmlinuz=$kernel_dir/root/boot/vmlinuz-$kernel_version
	guest_image=$build/guest-${1:-13}${guest_dpdk:+-dpdk}.cpio
	exec {lock}>"$guest_image.lock" # of tests side by side one builds it
	flock "$lock"
	if [ -s "$guest_image" ] && [ -z "$(find "$top"/tests/guest "$build"/tests/guest "$top/scripts/lib-guest.sh" \
		"$kernel_dir/version" ${guest_dpdk:+"$build/app/smcgate/smcgate"} -newer "$guest_image" -type f -print -quit)" ]; then
		exec {lock}>&-
		return 0
	fi
	tree=$(mktemp -d "${TMPDIR:-/tmp}/smcgate-guest.XXXXXX")
	at_exit "rm -rf $tree"
	_guest_tree "$tree"
	(cd "$tree" && find . -print0 | cpio -0 -o -H newc --quiet) >"$guest_image.new"
	rm -rf "$tree"
	mv "$guest_image.new" "$guest_image"
	exec {lock}>&-
}

# ---- running -----------------------------------------------------------------------
# guest_start NAME [-k 12|13] [-n NETNS] [-m MEGABYTES] [-c CPUS] [-v] [-d] [-i] (-t TAP | -T TAP[,OPTION...] |
#	-u VHOST-SOCKET | -U VHOST-SOCKET[,OPTION...])...
# Cards become eth0, eth1 ... in this order; without offloads, so that what is on a tap is
# what would be on a wire, but for -T and -U: all that the tap or the back end offers, and QEMU's
# options of the device as given (with mq=on it has guest_pairs pairs of queues, and so has the
# tap); it connects again when the back end returns. -d: smcgate is there, and huge pages; -i: an
# IOMMU, with the cards behind it. Returns when commands can be given. The guest ends with the
# script, however that ends, or by guest_stop; -v leaves it running when the script ends.
guest_pairs=2
guest_start() {
	local name=$1 ns_of='' memory=512 stays='' kernel=13 cards=() option OPTIND=1 OPTARG; shift
	guest_dpdk='' _guest_iommu='' _guest_cpus=1
	while getopts k:n:m:c:vdit:T:u:U: option; do
		case $option in
		k) kernel=$OPTARG ;;
		n) ns_of=$OPTARG ;;
		m) memory=$OPTARG ;;
		c) _guest_cpus=$OPTARG ;;
		v) stays=1 ;;
		d) guest_dpdk=yes ;;
		i) _guest_iommu=yes ;;
		t | T | u | U) cards+=("$option:$OPTARG") ;;
		*) die "guest_start: unknown option" ;;
		esac
	done
	guest_build "$kernel"
	! guest_lives "$name" || die "the guest $name runs already"
	rm -rf "${guest_run:?}/$name"
	mkdir -p "$guest_run/$name"
	_guest_arguments "$name" "$memory" "${cards[@]}"
	_guest_launch "$name" "$ns_of" "$stays"
	wait_for 120 _guest_up_or_gone "$name" || true
	guest_lives "$name" && grep -q '^GUEST-READY' "$guest_run/$name/console" || {
		tail -n 20 "$guest_run/$name"/{qemu,console} >&2
		die "the guest $name did not come up"
	}
}
_guest_up_or_gone() { grep -qs '^GUEST-READY' "$guest_run/$1/console" || ! guest_lives "$1"; }
guest_lives() { [ -s "$guest_run/$1/pid" ] && kill -0 "$(cat "$guest_run/$1/pid")" 2>/dev/null; }

# Without KVM: every machine can, and it behaves alike on all of them.
_guest_arguments() { # NAME MEGABYTES CARD...; sets _qemu
	local dir=$guest_run/$1 i card mac flags socket queues shared=
	_qemu=(-M "q35${_guest_iommu:+,kernel-irqchip=split}" -accel "tcg,thread=multi"
		-cpu "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+pclmulqdq,+rdrand" -smp "$_guest_cpus" -m "$2"
		-nodefaults -no-user-config -display none -no-reboot -kernel "$guest_vmlinuz" -initrd "$guest_image"
		-append "console=ttyS0 quiet panic=-1 oops=panic mitigations=off tsc=unstable no_timer_check guest.name=$1${guest_dpdk:+ hugepages=160}${_guest_iommu:+ intel_iommu=on}"
		-chardev "file,id=console,path=$dir/console" -serial chardev:console
		-device virtio-serial-pci -object "rng-random,id=rng,filename=/dev/urandom" -device virtio-rng-pci,rng=rng)
	for i in 0 1 2 3; do
		_qemu+=(-chardev "socket,id=ch$i,path=$dir/ch$i.sock,server=on,wait=off"
			-device "virtserialport,chardev=ch$i,name=command.$i")
	done
	[ -z "$_guest_iommu" ] || _qemu+=(-device intel-iommu,caching-mode=on,aw-bits=48)
	flags=csum=off,gso=off,guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off
	flags+=,host_tso4=off,host_tso6=off,host_ecn=off,host_ufo=off
	i=0
	for card in "${@:3}"; do
		mac=$(md5sum <<<"$1" | sed -E 's/(..)(..).*/52:54:00:\1:\2/'):$(printf %02x $i)
		if [ "${card%%:*}" = t ]; then
			_qemu+=(-netdev "tap,id=n$i,ifname=${card#*:},script=no,downscript=no"
				-device "virtio-net-pci,netdev=n$i,mac=$mac,host_mtu=9000,$flags")
		elif [ "${card%%:*}" = T ]; then
			socket=${card#*:} flags=disable-legacy=on${_guest_iommu:+,iommu_platform=on}
			case $socket in *,*) flags+=,${socket#*,} ;; esac
			case $socket in *,mq=on*) queues=,queues=$guest_pairs ;; *) queues= ;; esac
			_qemu+=(-netdev "tap,id=n$i,ifname=${socket%%,*},script=no,downscript=no,vhost=off$queues"
				-device "virtio-net-pci,netdev=n$i,mac=$mac,$flags")
		else # vectors=0: QEMU 7.2 crashes with interrupt vectors without KVM
			[ -n "$shared" ] || _qemu+=(-object "memory-backend-memfd,id=mem,size=$2M,share=on" -numa node,memdev=mem)
			shared=1
			socket=${card#*:}
			[ "${card%%:*}" = u ] || flags=host_mtu=0
			case $socket in *,*) flags+=,${socket#*,} ;; esac
			case $socket in *,mq=on*) queues=,queues=$guest_pairs ;; *) queues= ;; esac
			_qemu+=(-chardev "socket,id=v$i,path=${socket%%,*},reconnect=1" -netdev "vhost-user,id=n$i,chardev=v$i$queues"
				-device "virtio-net-pci,netdev=n$i,mac=$mac,vectors=0,$flags")
		fi
		i=$((i + 1))
	done
}

# QEMU is told to end when we do, even when we are killed.
_guest_launch() { # NAME NETNS STAYS
	local dir=$guest_run/$1 prefix=()
	[ -z "$2" ] || prefix=(ip netns exec "$2")
	if [ -n "$3" ]; then
		setsid "${prefix[@]}" qemu-system-x86_64 "${_qemu[@]}" </dev/null >"$dir/qemu" 2>&1 &
	else
		setpriv --pdeathsig KILL "${prefix[@]}" qemu-system-x86_64 "${_qemu[@]}" </dev/null >"$dir/qemu" 2>&1 &
		at_exit "guest_stop $1"
	fi
	echo $! >"$dir/pid"
}

guest_stop() { # NAME
	[ -d "$guest_run/$1" ] || return 0
	! guest_lives "$1" || end_pid "$(cat "$guest_run/$1/pid")" 5
	rm -rf "${guest_run:?}/$1"
}

# A shell command in the guest, with its output and status: guest_exec NAME [-t SECONDS] [-i] COMMAND
guest_exec() {
	local name=$1; shift
	"$build/tests/guest/gexec" "${@:1:$#-1}" "$guest_run/$name" "${@: -1}"
}
