"""The commands of zpool that drayage uses, and `lab-start`, which only the emulator has."""

import os

from . import properties, store, table, zfs_commands
from .refusal import Refusal, not_emulated, options, usage

COLUMNS = ("name", "size", "allocated", "alloc", "free", "frag", "dedup", "health", "guid", "readonly")
KNOWN = """add attach checkpoint clear create destroy detach events export get history import initialize iostat
labelclear offline online prefetch reguid remove reopen replace resilver scrub set split status sync trim upgrade
wait help""".split()


def main(arguments):
    if not arguments:
        raise usage("missing command")
    command, rest = arguments[0], arguments[1:]
    if command == "version":
        zfs_commands.version(rest)
    elif command == "list":
        list_pools(rest)
    elif command == "lab-start":
        lab_start(rest)
    elif command in KNOWN:
        raise not_emulated("zpool " + command)
    else:
        raise usage("unrecognized command '%s'" % command)


def lab_start(arguments):
    """`zpool lab-start POOL MOUNTPOINT`: makes the pool on the btrfs that the lab mounted for it, unless it is there,
    and mounts every dataset. May be repeated."""
    if len(arguments) != 2:
        raise usage("usage: zpool lab-start POOL MOUNTPOINT")
    pool, point = arguments
    if store.pools() not in ([], [pool]):
        raise Refusal("drayage lab emulator: the pool here is " + store.pools()[0])
    if not os.path.ismount(store.folder()):
        raise Refusal("drayage lab emulator: nothing is mounted at " + store.folder())
    for part in ("data", "datasets", "snapshots"):
        os.makedirs(store.folder(part), mode=0o700, exist_ok=True)
    os.chmod(store.folder(), 0o700)
    with store.lock():
        if not store.exists(pool):
            store.create(pool, {"mountpoint": properties.checked("cannot create '%s'" % pool, "mountpoint", point)})
        zfs_commands.mount_all()


def list_pools(arguments):
    given, positional = options(arguments, "Hpo:", "gLPvTj")
    flags = dict(given)
    columns = flags.get("-o", "name,size,alloc,free,health").split(",")
    for column in columns:
        if column not in COLUMNS:
            raise usage("bad property list: invalid property '%s'" % column)
    for name in positional:
        if name not in store.pools():
            raise Refusal("cannot open '%s': no such pool" % name)
    rows = []
    for name in positional or store.pools():
        space = os.statvfs(store.folder())
        size, free = space.f_blocks * space.f_frsize, space.f_bfree * space.f_frsize
        numbers = {"size": size, "allocated": size - free, "alloc": size - free, "free": free}
        texts = {"name": name, "health": "ONLINE", "guid": store.read(name)["guid"], "readonly": "off"}
        texts |= {"frag": "0" if "-p" in flags else "0%", "dedup": "1.00" if "-p" in flags else "1.00x"}
        shown = str if "-p" in flags else table.rounded
        rows.append([shown(numbers[column]) if column in numbers else texts[column] for column in columns])
    if not rows and "-H" not in flags:
        print("no pools available")
        return
    table.show(rows, columns, "-H" in flags)
