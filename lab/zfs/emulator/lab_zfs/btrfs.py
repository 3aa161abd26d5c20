"""Subvolumes by ioctl (linux/btrfs.h), because the node has no btrfs-progs. bytearray: fcntl takes at most 1024 bytes otherwise."""

import fcntl
import os
import struct

# _IOW(0x94, 14, struct btrfs_ioctl_vol_args) and _IOW(0x94, 23, struct btrfs_ioctl_vol_args_v2), each 4096 bytes
SUBVOL_CREATE = 0x5000940E
SNAP_CREATE_V2 = 0x50009417
SUBVOL_RDONLY = 1 << 1


def create_subvolume(path):
    name = os.fsencode(os.path.basename(path))
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.ioctl(folder, SUBVOL_CREATE, bytearray(struct.pack("=q4088s", 0, name)))
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
