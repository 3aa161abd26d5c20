"""The commands of zfs that drayage and the lab use."""

import os

from . import names, properties, store, table
from .refusal import Refusal, not_emulated, options, usage

VERSION = "2.3.9-drayage-lab-emulator"
KNOWN = """allow bookmark change-key clone diff groupspace hold holds inherit load-key program project
projectspace promote receive recv redact release rename rewrite rollback send share snap unallow unload-key
unshare unzone upgrade userspace wait zone help""".split()


def main(arguments):
    if not arguments:
        raise usage("missing command")
    command, rest = arguments[0], arguments[1:]
    found = COMMANDS.get(command)
    if found:
        found(rest)
    elif command in KNOWN:
        raise not_emulated("zfs " + command)
    else:
        raise usage("unrecognized command '%s'" % command)


def version(arguments):
    if arguments:
        raise not_emulated("zfs version " + arguments[0])
    print("zfs-" + VERSION)
    print("zfs-kmod-" + VERSION)


def create(arguments):
    given, positional = options(arguments, "o:", "PnpuvsbV")
    settings = properties.parse_settings([value for _, value in given])
    if not positional:
        raise usage("missing filesystem argument")
    if len(positional) > 1:
        raise usage("too many arguments")
    name = positional[0]
    names.check_new_dataset(name)
    with store.lock():
        names.check_new_dataset(name)
        checked = {
            setting: properties.checked("cannot create '%s'" % name, setting, value)
            for setting, value in settings.items()
        }
        store.create(name, checked)
        if not mountable(name):
            return
        try:
            store.mount(name)
        except Refusal as refusal:
            raise Refusal(refusal.text + "\nfilesystem successfully created, but not mounted")


def mountable(name):
    point = store.property_of(name, "mountpoint")[0]
    return point.startswith("/") and store.property_of(name, "canmount")[0] == "on"


def mount(arguments):
    given, positional = options(arguments, "a", "flvOoRj")
    if given:
        mount_all()
        return
    if not positional:
        rows = [[name, store.property_of(name, "mountpoint")[0]] for name in all_datasets() if store.is_mounted(name)]
        for name, point in rows:
            print("%-30s  %s" % (name, point))
        return
    if len(positional) > 1:
        raise usage("too many arguments")
    name = positional[0]
    names.check_dataset(name)
    point = store.property_of(name, "mountpoint")[0]
    if point == "none":
        raise Refusal("cannot mount '%s': no mountpoint set" % name)
    if point == "legacy":
        raise Refusal("cannot mount '%s': legacy mountpoint\nuse mount(8) to mount this filesystem" % name)
    if store.property_of(name, "canmount")[0] == "off":
        raise Refusal("cannot mount '%s': 'canmount' property is set to 'off'" % name)
    with store.lock():
        if store.is_mounted(name):
            raise Refusal("cannot mount '%s': filesystem already mounted" % name)
        store.mount(name)


def all_datasets():
    return [name for pool in store.pools() for name in store.datasets(pool)]


def mount_all():
    """Parents before children, by mount point."""
    for name in sorted(filter(mountable, all_datasets()), key=lambda each: store.property_of(each, "mountpoint")[0]):
        if not store.is_mounted(name):
            store.mount(name)


def unmount(arguments):
    _, positional = options(arguments, "", "fua")
    if not positional:
        raise usage("missing filesystem argument")
    if len(positional) > 1:
        raise usage("too many arguments")
    name = positional[0]
    if name.startswith("/"):
        raise not_emulated("zfs unmount of a path")
    names.check_dataset(name)
    with store.lock():
        if not store.is_mounted(name):
            raise Refusal("cannot unmount '%s': not currently mounted" % name)
        store.unmount(name)


def snapshot(arguments):
    given, positional = options(arguments, "r", "o")
    if not positional:
        raise usage("missing snapshot argument")
    if len(positional) > 1:
        raise not_emulated("zfs snapshot of several names")
    full = positional[0]
    names.check_new_snapshot(full)
    dataset, _, name = full.partition("@")
    with store.lock():
        concerned = store.datasets(dataset) if given else [dataset]
        for each in concerned:
            if store.exists(each + "@" + name):
                raise Refusal("cannot create snapshot '%s@%s': dataset already exists" % (each, name))
        for each in concerned:
            store.create_snapshot(each, name)


def destroy(arguments):
    """Snapshots only: nothing in the lab may destroy a dataset."""
    _, positional = options(arguments, "", "dfnpRrv")
    if not positional:
        raise usage("missing dataset argument")
    if len(positional) > 1:
        raise usage("too many arguments")
    dataset, at, name = positional[0].partition("@")
    if not at:
        raise not_emulated("zfs destroy of anything but a snapshot")
    if "%" in name or "," in name:
        raise not_emulated("zfs destroy of several snapshots")
    names.check_dataset(dataset)
    with store.lock():
        if not store.exists(positional[0]):
            raise Refusal("could not find any snapshots to destroy; check snapshot names.")
        store.destroy_snapshot(positional[0])


def set_property(arguments):
    """`readonly` of one dataset: what drayage sets of a dataset that is there."""
    _, positional = options(arguments, "", "u")
    if len(positional) < 2:
        raise usage("missing dataset name" if positional else "missing property=value argument")
    if len(positional) > 2:
        raise not_emulated("zfs set of several properties or datasets")
    name = positional[1]
    names.check_dataset(name)
    for setting, value in properties.parse_settings(positional[:1]).items():
        checked = properties.checked("cannot set property for '%s'" % name, setting, value)
        if setting != "readonly":
            raise not_emulated("zfs set of '%s'" % setting)
        with store.lock():
            record = store.read(name)
            record["properties"][setting] = checked
            store.write(name, record)
            for each in store.datasets(name):
                if store.is_mounted(each):
                    store.protect(each)


def value_of(name, column, exact):
    """(value, source) of one property as list and get show it."""
    is_snapshot = "@" in name
    if column in ("name", "type", "guid", "creation"):
        record = store.read(name)
        value = {"name": name, "type": "snapshot" if is_snapshot else "filesystem"}.get(column)
        return str(record[column]) if value is None else value, "-"
    if is_snapshot:
        if column not in ("used", "referenced"):
            return "-", "-"
        # What a snapshot alone holds is not known without quota groups: always 0.
        number = 0 if column == "used" else store.size(name)
    elif column == "mounted":
        return ("yes" if store.is_mounted(name) else "no"), "-"
    elif column == "used":
        number = sum(store.size(each) for each in store.datasets(name))
    elif column == "referenced":
        number = store.size(name)
    elif column == "available":
        space = os.statvfs(store.folder())
        number = space.f_bavail * space.f_frsize
    else:
        value, source = store.property_of(name, column)
        return (table.rounded(value) if column in properties.SIZES and not exact else value), source
    return (str(number) if exact else table.rounded(number)), "-"


def selected(positional, types, recursive):
    """The names that list and get are about."""
    for kind in types:
        if kind not in ("filesystem", "snapshot", "fs", "snap"):
            raise not_emulated("type '%s'" % kind)
    wanted = {kind[:4] if kind.startswith("snap") else "fs" for kind in types}
    roots = positional or store.pools()
    found = []
    for root in roots:
        if "@" in root:
            if store.pool_of(root) not in store.pools() or not store.exists(root):
                raise Refusal("cannot open '%s': dataset does not exist" % root)
            if "snap" not in wanted:
                raise Refusal("cannot open '%s': snapshot delimiter '@' is not expected here" % root)
            found.append(root)
            continue
        names.check_dataset(root)
        for name in store.datasets(root) if recursive or not positional else [root]:
            if "fs" in wanted:
                found.append(name)
            if "snap" in wanted:
                found.extend(store.snapshots(name))
    return sorted(set(found), key=in_list_order)


def in_list_order(name):
    """By name, a dataset before its snapshots, and those by age."""
    return name.partition("@")[0].split("/"), store.read(name)["order"] if "@" in name else 0


def list_datasets(arguments):
    given, positional = options(arguments, "Hpro:t:s:", "dSj")
    flags = dict(given)
    types = flags.get("-t", "filesystem").split(",")
    columns = flags.get("-o", "name,used,available,referenced,mountpoint").split(",")
    properties.check_columns(columns)
    found = selected(positional, types, "-r" in flags)
    if flags.get("-s", "name") not in ("name", "creation"):
        raise not_emulated("sorting by '%s'" % flags["-s"])
    if flags.get("-s") == "creation":
        found.sort(key=lambda name: store.read(name)["order"])
    rows = [[value_of(name, column, "-p" in flags)[0] for column in columns] for name in found]
    if not rows and "-H" not in flags:
        print("no datasets available")
        return
    table.show(rows, columns, "-H" in flags)


def get(arguments):
    given, positional = options(arguments, "Hpro:t:", "dsj")
    flags = dict(given)
    if not positional:
        raise usage("missing property argument")
    columns = list(properties.SHOWN) if positional[0] == "all" else positional[0].split(",")
    properties.check_columns(columns)
    fields = flags.get("-o", "name,property,value,source").split(",")
    for field in fields:
        if field not in ("name", "property", "value", "source"):
            raise usage("invalid column name '%s'" % field)
    rows = []
    for name in selected(positional[1:], flags.get("-t", "filesystem,snapshot" if "@" in "".join(positional[1:]) else "filesystem").split(","), "-r" in flags):
        for column in columns:
            value, source = value_of(name, column, "-p" in flags)
            row = {"name": name, "property": column, "value": value, "source": source}
            rows.append([row[field] for field in fields])
    table.show(rows, fields, "-H" in flags)


COMMANDS = {
    "version": version,
    "create": create,
    "mount": mount,
    "unmount": unmount,
    "umount": unmount,
    "snapshot": snapshot,
    "destroy": destroy,
    "set": set_property,
    "list": list_datasets,
    "get": get,
}
