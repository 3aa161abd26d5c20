#!/bin/bash
# PID 1 of the lab's room: its network and its mounts, then the lab's keeper. When this process ends, the kernel
# ends every process in the room, and with the last one go the mounts, the loop devices, the bridge and the taps.
# usage: init.sh STATE_FOLDER ROOT_TREE POOL_FOLDER SECOND_STORAGE KEEPER...
# SECOND_STORAGE is where the second node has its storage; empty: there is no second node.
set -euo pipefail
trap 'echo "room: line $LINENO failed: $BASH_COMMAND" >&2' ERR
state=$1 root_tree=$2 pool_folder=$3 second_storage=$4
shift 4

hostname prom
ip link set lo up
ip link add vmbr0 type bridge stp_state 0 forward_delay 0
ip addr add 10.77.0.1/24 dev vmbr0
ip link set vmbr0 up

# Relative paths: mount options cannot carry every character that a folder's name can.
cd "$state"
mkdir -p run/lower record
mount -o loop,ro "$root_tree" run/lower

# A node's root below run/NAME; what it writes goes to UPPER.
make_node() {
  local name=$1 upper=$2 root=run/$1 device major minor
  mkdir -p "$root" "$upper/upper" "$upper/work"
  mount -t overlay -o "lowerdir=run/lower,upperdir=$upper/upper,workdir=$upper/work" "$name" "$root"
  # Shared within the node, as systemd makes it: virtiofsd sees datasets that are mounted after its start.
  mount --make-rshared "$root"
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t tmpfs -o mode=755,size=1M dev "$root/dev"
  while read -r device major minor; do mknod -m 666 "$root/dev/$device" c "$major" "$minor"; done <<'NODES'
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
NODES
  mkdir -p "$root/dev/pts" "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  ln -s fd/0 "$root/dev/stdin"
  ln -s fd/1 "$root/dev/stdout"
  ln -s fd/2 "$root/dev/stderr"
  mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
  mount -t tmpfs -o mode=755 run "$root/run"
  mkdir -p "$root/run/sshd" "$root/run/lock" "$root/run/drayage-lab"
  mount --bind record "$root/run/drayage-lab"
}

make_node prom node
root=run/prom

if [ ! -e pool.img ]; then
  truncate -s 20G pool.img
  mkfs.btrfs -q pool.img 2>/dev/null
fi
mkdir -p "$root$pool_folder"
mount -o loop,noatime pool.img "$root$pool_folder"

if [ -n "$second_storage" ]; then
  ip addr add 10.77.0.2/24 dev vmbr0
  make_node maint second
  if [ ! -e second.img ]; then
    truncate -s 4G second.img
    mkfs.ext4 -q second.img
  fi
  mkdir -p "run/maint${second_storage%/*}/disk"
  mount -o loop,noatime second.img "run/maint${second_storage%/*}/disk"
  # A directory beside lost+found, mounted where the node has its storage.
  mkdir -p "run/maint${second_storage%/*}/disk/containers" "run/maint$second_storage"
  mount --bind "run/maint${second_storage%/*}/disk/containers" "run/maint$second_storage"
fi

"$@" &
keeper=$!
trap 'kill -TERM "$keeper" 2>/dev/null' TERM INT
status=0
# A signal ends `wait` early; the room lives as long as its keeper.
while kill -0 "$keeper" 2>/dev/null; do
  status=0
  wait "$keeper" || status=$?
done
exit "$status"
