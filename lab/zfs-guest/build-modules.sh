#!/bin/sh
# Builds spl.ko and zfs.ko for a kernel from the zfs-dkms package: build-modules.sh ROOT KERNEL OUTPUT APT_OPTION...
# What it installs goes into an overlay on ROOT that lives in memory (ROOT/mnt) and is gone afterwards.
set -eu
root=$1 kernel=$2 output=$3
shift 3
mkdir -p "$root/mnt/upper" "$root/mnt/work" "$root/mnt/build"
build=$root/mnt/build
mount -t overlay -o "lowerdir=$root,upperdir=$root/mnt/upper,workdir=$root/mnt/work" overlay "$build"
for part in proc run dev var/lib/apt/lists var/cache/apt etc/resolv.conf; do
  [ ! -e "$root/$part" ] || mount --bind "$root/$part" "$build/$part"
done
inside() { chroot "$build" env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }
inside apt-get --quiet=2 "$@" install --yes --no-install-recommends \
  "linux-headers-$kernel" make gcc libc6-dev gawk bc xz-utils binutils >/dev/null
inside sh -c 'mkdir /zfs && cd /zfs && apt-get --quiet=2 "$@" download zfs-dkms && dpkg-deb --extract zfs-dkms_*.deb .' sh "$@"
common=/usr/src/linux-headers-$(echo "$kernel" | sed 's/-[^-]*-[^-]*$//')-common
inside sh -ec "cd /zfs/usr/src/zfs-*; ./configure --quiet --with-config=kernel --with-linux=$common --with-linux-obj=/usr/src/linux-headers-$kernel
  make --silent -j$(nproc)" >/dev/null
for module in spl zfs; do
  inside sh -ec "strip -g -o /$module.ko \$(find /zfs -name $module.ko | head -n 1)"
  cp "$build/$module.ko" "$output/"
done
for part in etc/resolv.conf var/cache/apt var/lib/apt/lists dev run proc; do
  ! mountpoint -q "$build/$part" || umount "$build/$part"
done
umount "$build"
