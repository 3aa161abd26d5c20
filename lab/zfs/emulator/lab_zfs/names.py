"""Rules for names, with the texts of OpenZFS 2.3.9."""

import re

from . import store
from .refusal import Refusal, usage


def check_new_dataset(name):
    prefix = "cannot create '%s': " % name
    if len(name) > 255:
        raise Refusal(prefix + "name is too long")
    if "@" in name:
        raise Refusal(prefix + "snapshot delimiter '@' is not expected here")
    if name.startswith("/"):
        raise Refusal(prefix + "leading slash in name")
    if name.endswith("/"):
        raise Refusal(prefix + "trailing slash in name")
    if "//" in name:
        raise Refusal(prefix + "empty component or misplaced '@' or '#' delimiter in name")
    stranger = re.search(r"[^A-Za-z0-9_.:/ -]", name)
    if stranger:
        raise Refusal(prefix + "invalid character %s in name" % stranger[0])
    if "/" not in name:
        raise Refusal(prefix + "missing dataset name")
    if store.pool_of(name) not in store.pools():
        raise Refusal(prefix + "no such pool '%s'" % store.pool_of(name))
    if store.exists(name):
        raise Refusal(prefix + "dataset already exists")
    if not store.exists(store.parent_of(name)):
        raise Refusal(prefix + "parent does not exist")


def check_dataset(name):
    if "@" in name:
        raise Refusal("cannot open '%s': snapshot delimiter '@' is not expected here" % name)
    if store.pool_of(name) not in store.pools() or not store.exists(name):
        raise Refusal("cannot open '%s': dataset does not exist" % name)


def check_new_snapshot(full):
    if full.count("@") > 1:
        raise Refusal("cannot create snapshot '%s': multiple '@' and/or '#' delimiters in name" % full)
    dataset, at, name = full.partition("@")
    if not at or not name or re.search(r"[^A-Za-z0-9_.: -]", name):
        raise usage("cannot create snapshot '%s'" % full)
    if store.pool_of(dataset) not in store.pools() or not store.exists(dataset):
        raise usage("cannot open '%s': dataset does not exist" % dataset)
