"""Properties: which can be set, which values they take, what is shown for them (zfsprops(7), seen with OpenZFS 2.3.9)."""

import re

from .refusal import Refusal, not_emulated

COMPRESSION = (
    "on | off | lzjb | gzip | gzip-[1-9] | zle | lz4 | zstd | zstd-[1-19] | zstd-fast"
    " | zstd-fast-[1-10,20,30,40,50,60,70,80,90,100,500,1000]"
)
# name -> (values, the names that mean the same -> the one that is shown)
CHOICES = {
    "acltype": ("off | nfsv4 | posix", {"posixacl": "posix", "noacl": "off", "disabled": "off"}),
    "xattr": ("on | off | dir | sa", {"sa": "on"}),
    "canmount": ("on | off | noauto", {}),
    "readonly": ("on | off", {}),
}
DEFAULTS = {
    "acltype": "off",
    "xattr": "on",
    "canmount": "on",
    "recordsize": "131072",
    "compression": "on",
    "readonly": "off",
    "snapdir": "hidden",
    "quota": "0",
    "refquota": "0",
}
SETTABLE = ("acltype", "xattr", "canmount", "recordsize", "compression", "mountpoint", "readonly")
NOT_INHERITED = ("canmount", "quota", "refquota")
STATISTICS = ("name", "type", "used", "available", "referenced", "mounted", "creation", "guid")
SHOWN = STATISTICS + tuple(DEFAULTS) + ("mountpoint",)
SIZES = ("used", "available", "referenced", "recordsize", "quota", "refquota")
# What else zfs 2.3 has, so that a real property is not called an invalid one.
ONLY_REAL = set(
    """aclinherit aclmode atime casesensitivity checksum clones compressratio context copies createtxg dedup
    defcontext defer_destroy devices direct dnodesize encryption encryptionroot exec filesystem_count filesystem_limit
    fscontext keyformat keylocation keystatus logbias logicalreferenced logicalused longname mlslabel nbmand
    normalization objsetid origin overlay pbkdf2iters prefetch primarycache receive_resume_token redact_snaps
    redundant_metadata refcompressratio refreservation relatime reservation rootcontext secondarycache setuid sharenfs
    sharesmb snapdev snapshot_count snapshot_limit snapshots_changed special_small_blocks sync usedbychildren
    usedbydataset usedbyrefreservation usedbysnapshots userrefs utf8only version volblocksize volmode volsize
    volthreading vscan written xattr zoned""".split()
)


def parse_settings(arguments):
    """`-o` arguments as a dictionary."""
    settings = {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if not equals:
            raise Refusal("missing '=' for property=value argument")
        if name in settings:
            raise Refusal("property '%s' specified multiple times" % name)
        settings[name] = value
    return settings


def checked(prefix, name, value):
    """The value as it is stored and shown. `prefix` begins the refusal: "cannot create 'x'"."""
    if name in STATISTICS:
        raise Refusal("%s: '%s' is readonly" % (prefix, name))
    if name not in SETTABLE:
        if name in ONLY_REAL or name in DEFAULTS or ":" in name:
            raise not_emulated("property '%s'" % name)
        raise Refusal("%s: invalid property '%s'" % (prefix, name))
    if name in CHOICES:
        values, shown = CHOICES[name]
        value = shown.get(value, value)
        if value not in values.split(" | "):
            raise Refusal("%s: '%s' must be one of '%s'" % (prefix, name, values))
        return value
    if name == "compression":
        if not re.fullmatch(r"on|off|lzjb|gzip(-[1-9])?|zle|lz4|zstd(-(1?[1-9]|10|fast|fast-[1-9]\d*))?", value):
            raise Refusal("%s: 'compression' must be one of '%s'" % (prefix, COMPRESSION))
        return value
    if name == "mountpoint":
        if value not in ("none", "legacy") and not value.startswith("/"):
            raise Refusal("%s: 'mountpoint' must be an absolute path, 'none', or 'legacy'" % prefix)
        return value.rstrip("/") or "/"
    return checked_recordsize(prefix, value)


def checked_recordsize(prefix, value):
    number = re.fullmatch(r"(\d+)([KM]?)B?", value.upper())
    size = int(number[1]) * {"": 1, "K": 1024, "M": 1024 * 1024}[number[2]] if number else 0
    if size < 512 or size > 16 * 1024 * 1024 or size & (size - 1):
        raise Refusal("%s: 'recordsize' must be power of 2 from 512B to 16M" % prefix)
    return str(size)


def check_columns(columns):
    for column in columns:
        if column in SHOWN:
            continue
        if column in ONLY_REAL:
            raise not_emulated("property '%s'" % column)
        raise Refusal("bad property list: invalid property '%s'\nusage:\n\tsee zfs(8)" % column, 2)
