#!/bin/bash
# The lab's guest image with docker: its root file system, copied, plus Debian's docker.io and docker-compose. Runs as
# root in namespaces of its own (see ../single-guest/build.ts), so that however it ends, no mount and no process is left.
#   build.sh OUTPUT_FOLDER BASE_IMAGE RELEASE MIRROR SECURITY_MIRROR [APT_SETTING...]
set -euo pipefail
output=$1 base=$2 release=$3 mirror=$4 security=$5
shift 5
say() { echo "docker-guest: $*"; }

mkdir -p "$(dirname "$output")"
exec 9>"$(dirname "$output")/docker-guest.lock"
flock --nonblock 9 || { say 'another build is running: waiting for it'; flock 9; }
[ ! -e "$output" ] || exit 0
rm -rf "$(dirname "$output")"/docker-guest-*.partial
work=$output.partial
mkdir -p "$work"

say 'copying the guest image'
cp --sparse=always "$base" "$work/docker.ext4"
root=$work/root
mkdir "$root"
mount -o loop,noatime "$work/docker.ext4" "$root"
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
printf 'deb %s %s main\n' "$mirror" "$release" "$security" "$release-security" >"$root/run/sources.list"
# Nothing is started in a chroot.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
inside() { chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
inside apt-get --quiet=2 "${options[@]}" update

say 'installing docker'
inside apt-get --quiet=2 "${options[@]}" install --yes --no-install-recommends \
  docker.io docker-cli docker-compose >/dev/null
rm "$root/usr/sbin/policy-rc.d"
# The guest has no packet filter, and its containers need no network.
mkdir -p "$root/etc/docker"
printf '{ "iptables": false, "ip6tables": false, "bridge": "none" }\n' >"$root/etc/docker/daemon.json"
# The tests use root's containers; a user manager that nobody asks costs an emulated processor seconds.
rm -f "$root/var/lib/systemd/linger/notes"

say 'closing the image'
for mounted in etc/resolv.conf var/cache/apt var/lib/apt/lists dev run proc; do
  ! mountpoint -q "$root/$mounted" || umount "$root/$mounted"
done
umount "$root"
rmdir "$root"
sync "$work/docker.ext4"
mv -T "$work" "$output"
say 'done'
