#!/bin/sh
# Makes a plain Debian tree a lab guest: configure.sh ROOT RECIPE_FOLDER KEYS_FOLDER
set -eu
root=$1 recipe=$2 keys=$3

cp -R "$recipe/root/." "$root/"

# An empty machine-id is filled at boot without counting as a first boot, whose presets would enable everything.
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id"
: >"$root/etc/fstab"
echo guest >"$root/etc/hostname"

names() { sed -e '/^#/d' -e '/^$/d' "$1"; }
for unit in $(names "$recipe/masked-units.txt"); do ln -sf /dev/null "$root/etc/systemd/system/$unit"; done
mkdir -p "$root/etc/systemd/system-generators"
for generator in $(names "$recipe/masked-generators.txt"); do
  ln -sf /dev/null "$root/etc/systemd/system-generators/$generator"
done
# The network card keeps the name under which the initramfs set its address.
mkdir -p "$root/etc/systemd/network"
ln -sf /dev/null "$root/etc/systemd/network/99-default.link"

chroot "$root" systemctl --quiet set-default multi-user.target
chroot "$root" systemctl --quiet enable ssh.service
# The initramfs has set the network up; rootless quadlets wait up to 90 s for somebody to say so.
chroot "$root" systemctl --quiet add-wants multi-user.target network-online.target
# What runs at boot is the business of whoever sets up a guest's services.
chroot "$root" systemctl --quiet disable podman-restart.service podman-clean-transient.service podman.socket podman.service

# Keys: the guests' own, those whom root answers, and the lab's hosts as known to each other.
rm -f "$root"/etc/ssh/ssh_host_*
install -m 600 "$keys/guest_host_key" "$root/etc/ssh/ssh_host_ed25519_key"
install -m 644 "$keys/guest_host_key.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
mkdir -p -m 700 "$root/root/.ssh"
cat "$keys/lab_key.pub" "$keys/node_key.pub" >"$root/root/.ssh/authorized_keys"
chmod 600 "$root/root/.ssh/authorized_keys"
echo "prom,doc1,doc2,igpu2,10.77.0.* $(cut -d' ' -f1,2 "$keys/guest_host_key.pub")" >"$root/etc/ssh/ssh_known_hosts"

# The user of rootless containers: the same numbers on every guest; its manager starts at boot.
# An asterisk is "no password", an exclamation mark would be "locked", which sshd refuses without PAM.
chroot "$root" useradd --uid 1000 --gid 100 --create-home --shell /bin/bash --password '*' notes
echo notes:100000:65536 >"$root/etc/subuid"
echo notes:100000:65536 >"$root/etc/subgid"
mkdir -p "$root/var/lib/systemd/linger"
: >"$root/var/lib/systemd/linger/notes"
