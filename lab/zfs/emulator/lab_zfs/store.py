"""The pool, its datasets and snapshots as they lie on the pool's own btrfs mount, and their mounts as the kernel has them.

Below FOLDER, where the lab has mounted the btrfs of the one pool:
  data/<dataset>             the subvolume of a dataset; names are percent-encoded
  datasets/<dataset>.json    guid, creation, local properties
  snapshots/<dataset>@<name> the read-only subvolume of a snapshot, and its .json
"""

import contextlib
import fcntl
import json
import os
import re
import subprocess
import time

from . import btrfs
from .properties import DEFAULTS, NOT_INHERITED
from .refusal import Refusal

FOLDER = os.environ.get("DRAYAGE_LAB_POOL_FOLDER", "/var/lib/drayage-lab/pool")


def encoded(name):
    return re.sub(r"[^A-Za-z0-9_.:@-]", lambda found: "%%%02X" % ord(found[0]), name)


def decoded(name):
    return re.sub(r"%([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), name)


def pool_of(name):
    return re.split("[/@]", name)[0]


def parent_of(name):
    return name.rpartition("/")[0]


def folder(*parts):
    return os.path.join(FOLDER, *parts)


def pools():
    """The name of the pool, once it was started: that of the root dataset."""
    names = os.listdir(folder("datasets")) if os.path.isdir(folder("datasets")) else []
    return [name[: -len(".json")] for name in names if name.endswith(".json") and "%2F" not in name]


def record_path(name):
    kind = "snapshots" if "@" in name else "datasets"
    return folder(kind, encoded(name) + ".json")


def tree(name):
    return folder("snapshots" if "@" in name else "data", encoded(name))


def exists(name):
    return os.path.exists(record_path(name))


def read(name):
    with open(record_path(name)) as file:
        return json.load(file)


def write(name, record):
    path = record_path(name)
    with open(path + ".new", "w") as file:
        json.dump(record, file)
    os.rename(path + ".new", path)


def new_record(properties):
    return {
        "guid": str(int.from_bytes(os.urandom(8), "big")),
        "creation": int(time.time()),
        "order": time.time_ns(),
        "properties": properties,
    }


def datasets(root):
    """`root` and every dataset below it, in the order of `zfs list`: by name, parents first."""
    found = [decoded(name[: -len(".json")]) for name in os.listdir(folder("datasets")) if name.endswith(".json")]
    own = [name for name in found if name == root or name.startswith(root + "/")]
    return sorted(own, key=lambda name: name.split("/"))


def snapshots(dataset):
    """Names of one dataset's snapshots, oldest first."""
    found = [decoded(name[: -len(".json")]) for name in os.listdir(folder("snapshots")) if name.endswith(".json")]
    own = [name for name in found if name.partition("@")[0] == dataset]
    return sorted(own, key=lambda name: read(name)["order"])


def property_of(name, wanted):
    """(value, source) of a setting, by inheritance as zfsprops(7) has it."""
    local = read(name)["properties"]
    if wanted in local:
        return local[wanted], "local"
    parent = parent_of(name)
    if not parent or wanted in NOT_INHERITED:
        return ("/" + name if wanted == "mountpoint" else DEFAULTS[wanted]), "default"
    value, source = property_of(parent, wanted)
    if wanted == "mountpoint" and value.startswith("/"):
        value = value.rstrip("/") + name[len(parent) :]
    return value, ("inherited from " + parent if source == "local" else source)


def create(name, properties):
    btrfs.create_subvolume(tree(name))
    os.chmod(tree(name), 0o755)
    write(name, new_record(properties))


def create_snapshot(dataset, name):
    full = dataset + "@" + name
    btrfs.create_snapshot(tree(dataset), tree(full))
    write(full, new_record({}))
    if is_mounted(dataset):
        show_snapshot(full, property_of(dataset, "mountpoint")[0])


def destroy_snapshot(full):
    """Unmounts it below .zfs first; one that is in use there stays."""
    dataset, _, name = full.partition("@")
    shown = os.path.join(property_of(dataset, "mountpoint")[0], ".zfs", "snapshot", name)
    if any(path == shown for _, path in mounts()):
        if subprocess.run(["umount", shown], stderr=subprocess.DEVNULL).returncode != 0:
            raise Refusal("cannot destroy snapshot %s: dataset is busy" % full)
        os.rmdir(shown)
    btrfs.delete_subvolume(tree(full))
    os.remove(record_path(full))


def mounts():
    """(subvolume's path within the pool's file system, mount point), oldest first. Escapes: proc_pid_mountinfo(5)."""
    found = []
    with open("/proc/self/mountinfo", errors="surrogateescape") as file:
        for line in file:
            fields = line.split(" ")
            unescape = [re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), field) for field in fields[3:5]]
            found.append((unescape[0], unescape[1]))
    return found


def is_mounted(name):
    """The real state: what lies on top at the mount point is the dataset's own subvolume."""
    point = property_of(name, "mountpoint")[0]
    on_top = [root for root, path in mounts() if path == point]
    return bool(on_top) and on_top[-1].endswith("/data/" + encoded(name))


def mount(name):
    """Bind-mounts the subvolume and, below .zfs/snapshot, its snapshots."""
    point = property_of(name, "mountpoint")[0]
    try:
        os.makedirs(point, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise Refusal("cannot mount '%s': Not a directory" % name)
    except OSError as error:
        raise Refusal("cannot mount '%s': failed to create mountpoint: %s" % (point, error.strerror))
    show(tree(name), point)
    protect(name)
    for snapshot in snapshots(name):
        show_snapshot(snapshot, point)


def protect(name):
    """Its mount can be written to, or not, as the property says."""
    point = property_of(name, "mountpoint")[0]
    run("mount", "-o", "remount,bind," + ("ro" if property_of(name, "readonly")[0] == "on" else "rw"), point)


def show_snapshot(snapshot, point):
    """The folder is a real one, unlike ZFS's, so the top's time of change is put back."""
    times = os.stat(point)
    shown = os.path.join(point, ".zfs", "snapshot", snapshot.partition("@")[2])
    os.makedirs(shown, exist_ok=True)
    os.utime(point, ns=(times.st_atime_ns, times.st_mtime_ns))
    show(tree(snapshot), shown)


def show(subvolume, point):
    """A bind mount in a peer group of its own: else what is mounted below it would appear in the pool's folder too."""
    run("mount", "--bind", subvolume, point)
    run("mount", "--make-private", point)
    run("mount", "--make-shared", point)


def unmount(name):
    """The dataset, all that is mounted below it first, as zfs does; all stays mounted when one is busy."""
    point = property_of(name, "mountpoint")[0]
    below = [path for _, path in mounts() if path == point or path.startswith(point.rstrip("/") + "/")]
    inside = [other for other in datasets(pool_of(name)) if property_of(other, "mountpoint")[0] in below and is_mounted(other)]
    for path in reversed(below):
        if subprocess.run(["umount", path], stderr=subprocess.DEVNULL).returncode == 0:
            continue
        for other in inside:
            if not is_mounted(other):
                mount(other)
        raise Refusal("cannot unmount '%s': pool or dataset is busy" % point)


def size(name):
    """Bytes on disk below a dataset's or snapshot's own tree; files that snapshots share are counted in each."""
    total, seen = 0, set()
    for where, folders, files in os.walk(tree(name)):
        for entry in folders + files:
            status = os.lstat(os.path.join(where, entry))
            if status.st_ino not in seen:
                seen.add(status.st_ino)
                total += status.st_blocks * 512
    return total


def run(*command):
    result = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise Refusal("drayage lab emulator: %s: %s" % (" ".join(command), result.stderr.strip()))


@contextlib.contextmanager
def lock():
    """One change at a time."""
    with open(folder("lock"), "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
