#!/bin/sh
# A hook of mmdebstrap: unpacks the newest kernel into the new root without installing it,
# so that no initramfs tools are needed: unpack-kernel.sh META_PACKAGE ROOT
set -eu
meta=$1 root=$2
export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"
package=$(apt-cache depends "$meta" | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1)
[ -n "$package" ] || { echo "E: $meta depends on no kernel" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
# The sandbox user of apt may not write here; root fetches.
(cd "$work" && apt-get --quiet=2 --option APT::Sandbox::User=root download "$package")
dpkg-deb --extract "$work"/*.deb "$work/tree"
modules=$work/tree/lib/modules
[ -d "$modules" ] || modules=$work/tree/usr/lib/modules
mkdir -p "$root/usr/lib/modules"
mv "$modules"/* "$root/usr/lib/modules/"
cp "$work"/tree/boot/vmlinuz-* "$root/boot/"
