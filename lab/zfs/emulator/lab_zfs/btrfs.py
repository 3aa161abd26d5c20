"""Subvolumes by ioctl (linux/btrfs.h), because the node has no btrfs-progs. bytearray: fcntl takes at most 1024 bytes otherwise."""

import fcntl
import os
import struct

# _IOW(0x94, 14 and 15, struct btrfs_ioctl_vol_args) and _IOW(0x94, 23, struct btrfs_ioctl_vol_args_v2), each 4096 bytes
SUBVOL_CREATE = 0x5000940E
SNAP_DESTROY = 0x5000940F
SNAP_CREATE_V2 = 0x50009417
SUBVOL_RDONLY = 1 << 1


def create_subvolume(path):
    by_name(SUBVOL_CREATE, path)


def delete_subvolume(path):
    """Also a read-only one."""
    by_name(SNAP_DESTROY, path)


def by_name(request, path):
    name = os.fsencode(os.path.basename(path))
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(folder, request, bytearray(struct.pack("=q4088s", 0, name)))
    finally:
        os.close(folder)


def create_snapshot(source, path):
    """Read-only, at one instant."""
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    tree = os.open(source, os.O_RDONLY | os.O_DIRECTORY)
    name = os.fsencode(os.path.basename(path))
    try:
        fcntl.ioctl(folder, SNAP_CREATE_V2, bytearray(struct.pack("=qQQ32x4040s", tree, 0, SUBVOL_RDONLY, name)))
    finally:
        os.close(tree)
        os.close(folder)
