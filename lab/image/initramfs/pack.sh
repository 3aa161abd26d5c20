#!/bin/sh
# Runs inside the new root (chroot), with its own kmod and busybox: pack.sh KERNEL_RELEASE INIT OUTPUT
set -eu
release=$1 init=$2 output=$3
tree=$(mktemp -d)
mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/new" "$tree/lib/modules"
cp /bin/busybox "$tree/bin/"
cp "$init" "$tree/init"
chmod 755 "$tree/init"
# --show-depends lists what a module needs first: that order is the order of loading.
for module in virtio_pci virtio_blk virtio_net virtio_console virtio_rng ext4 fuse virtiofs overlay; do
  modprobe --set-version "$release" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$tree/sources"
while read -r source; do
  name=$(basename "$source")
  case $name in
    *.xz) name=${name%.xz}; busybox unxz -c "$source" >"$tree/lib/modules/$name" ;;
    *) cp "$source" "$tree/lib/modules/$name" ;;
  esac
  echo "/lib/modules/$name"
done <"$tree/sources" >"$tree/modules"
rm "$tree/sources"
(cd "$tree" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$output"
rm -r "$tree"
