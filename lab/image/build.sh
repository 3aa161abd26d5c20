#!/bin/bash
# Builds the guest image. Runs as root in mount and process namespaces of its own (see build.ts), so that
# however it ends, no mount and no process is left.
#   build.sh OUTPUT_FOLDER RELEASE PACKAGES KERNEL_PACKAGE MIRROR SECURITY_MIRROR [APT_SETTING...]
set -euo pipefail
output=$1 release=$2 packages=$3 kernel_package=$4 mirror=$5 security=$6
shift 6
recipe=$(cd "$(dirname "$0")" && pwd)
say() { echo "image: $*"; }
trap 'exit 130' INT TERM HUP

mkdir -p "$(dirname "$output")"
exec 9>"$(dirname "$output")/guest-image.lock"
flock --nonblock 9 || { say 'another build is running: waiting for it'; flock 9; }
[ ! -e "$output" ] || exit 0
rm -rf "$(dirname "$output")"/guest-*.partial
work=$output.partial
mkdir -p "$work/tmp"

say 'making keys'
for key in lab_key node_key guest_host_key; do
  ssh-keygen -q -t ed25519 -N '' -C "drayage-lab-$key" -f "$work/$key"
done

say 'making an empty file system'
truncate -s 4G "$work/base.ext4"
mke2fs -q -F -t ext4 -L root -m 0 -E lazy_itable_init=1,lazy_journal_init=1,nodiscard "$work/base.ext4"
root=$work/root
mkdir "$root"
mount -o loop,noatime "$work/base.ext4" "$root"

apt_options=()
for setting in "$@"; do apt_options+=("--aptopt=$setting"); done
paths=()
for path in doc man info locale; do paths+=("--dpkgopt=path-exclude=/usr/share/$path/*"); done
printf -v hook '%q %q "$1"' "$recipe/unpack-kernel.sh" "$kernel_package"

say "installing Debian $release (one to three minutes)"
TMPDIR=$work/tmp mmdebstrap --variant=minbase --mode=root --include="$packages" \
  --aptopt='Acquire::Languages "none"' "${apt_options[@]}" --dpkgopt=force-unsafe-io "${paths[@]}" \
  --customize-hook="sh $hook" \
  "$release" "$root" "deb $mirror $release main" "deb $security $release-security main"

say 'fitting it into the lab'
sh "$recipe/configure.sh" "$root" "$recipe" "$work"

say 'packing the kernel and its initramfs'
kernels=("$root"/usr/lib/modules/*)
version=$(basename "${kernels[0]}")
chroot "$root" depmod "$version"
mv "$root/boot/vmlinuz-$version" "$work/vmlinuz"
mkdir "$root/tmp/initramfs"
cp "$recipe/initramfs/init" "$recipe/initramfs/pack.sh" "$root/tmp/initramfs/"
chroot "$root" sh /tmp/initramfs/pack.sh "$version" /tmp/initramfs/init /tmp/initramfs/initrd.img
mv "$root/tmp/initramfs/initrd.img" "$work/initrd.img"
rm -r "$root/tmp/initramfs"
echo "$version" >"$work/kernel-release"

say 'closing the image'
fstrim "$root"
umount "$root"
rmdir "$root"
rm -r "$work/tmp"
sync "$work/base.ext4"
mv -T "$work" "$output"
say "done: kernel $version, $(du -h --apparent-size "$output/base.ext4" | cut -f1) image, $(du -h "$output/base.ext4" | cut -f1) on disk"
