#!/bin/bash
# The lab's guest image with OpenZFS: its root file system, copied, plus zfsutils-linux and the kernel modules. Runs as
# root in namespaces of its own (see build.ts), so that however it ends, no mount and no process is left.
#   build.sh OUTPUT_FOLDER BASE_IMAGE KERNEL_RELEASE MODULES|- RELEASE MIRROR SECURITY_MIRROR [APT_SETTING...]
# MODULES: an archive with spl.ko and zfs.ko for this kernel; "-": they are built here, which takes about five minutes.
set -euo pipefail
output=$1 base=$2 kernel=$3 modules=$4 release=$5 mirror=$6 security=$7
shift 7
say() { echo "zfs-guest: $*"; }

mkdir -p "$(dirname "$output")"
exec 9>"$(dirname "$output")/zfs-guest.lock"
flock --nonblock 9 || { say 'another build is running: waiting for it'; flock 9; }
[ ! -e "$output" ] || exit 0
rm -rf "$(dirname "$output")"/zfs-guest-*.partial
work=$output.partial
mkdir -p "$work"

say 'copying the guest image'
cp --sparse=always "$base" "$work/zfs.ext4"
root=$work/root
mkdir "$root"
mount -o loop,noatime "$work/zfs.ext4" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount --bind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/var/lib/apt/lists"
mount -t tmpfs tmpfs "$root/var/cache/apt"
: >"$root/run/resolv.conf"
[ ! -e /etc/resolv.conf ] || { touch "$root/etc/resolv.conf"; mount --bind /etc/resolv.conf "$root/etc/resolv.conf"; }

options=(-o Acquire::Languages=none -o Dir::Etc::sourcelist=/run/sources.list -o Dir::Etc::sourceparts=/dev/null)
options+=(-o APT::Install-Recommends=false -o APT::Sandbox::User=root -o Dpkg::Options::=--force-unsafe-io)
for setting in "$@"; do
  name=${setting%% *} value=${setting#* }
  value=${value#\"}
  options+=(-o "$name=${value%\";}")
done
printf 'deb %s %s main contrib\n' "$mirror" "$release" "$security" "$release-security" >"$root/run/sources.list"
# Nothing is started in a chroot.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
inside() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
inside apt-get --quiet=2 "${options[@]}" update

say 'installing zfsutils-linux'
inside apt-get --quiet=2 "${options[@]}" install --yes --no-install-recommends zfsutils-linux >/dev/null
rm "$root/usr/sbin/policy-rc.d"
# The tests import and mount pools themselves.
for unit in zfs-import-cache.service zfs-import-scan.service zfs-mount.service zfs-share.service \
  zfs-volume-wait.service zfs-load-module.service zfs-zed.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

target=$root/usr/lib/modules/$kernel/updates
mkdir -p "$target" "$work/modules"
if [ "$modules" = - ]; then
  say "building the modules for $kernel (about five minutes)"
  mount -t tmpfs -o size=6G tmpfs "$root/mnt"
  sh "$(dirname "$0")/build-modules.sh" "$root" "$kernel" "$work/modules" "${options[@]}"
  umount "$root/mnt"
else
  say "unpacking the modules for $kernel"
  tar -C "$work/modules" -xf "$modules"
fi
find "$work/modules" -name '*.ko' -exec cp {} "$target/" \;
[ -e "$target/zfs.ko" ] && [ -e "$target/spl.ko" ] || { echo "no zfs.ko and spl.ko in $modules" >&2; exit 1; }
rm -r "$work/modules"
inside depmod "$kernel"

say 'closing the image'
for mounted in etc/resolv.conf var/cache/apt var/lib/apt/lists dev run proc; do
  ! mountpoint -q "$root/$mounted" || umount "$root/$mounted"
done
umount "$root"
rmdir "$root"
sync "$work/zfs.ext4"
mv -T "$work" "$output"
say 'done'
