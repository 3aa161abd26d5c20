"""Fills /mnt/docker on doc1 with what years of use leave behind. Runs in the guest: python3 - ; once.

Everything is made from counters, so that two labs hold the same data. Only modules of python3-minimal.
"""
import os
import stat
import struct

TOP = b'/mnt/docker'
DONE = '/var/lib/drayage-lab/populated'
made = 0


def path(*parts):
    return b'/'.join((TOP,) + parts)


def folder(*parts, mode=0o755, owner=(0, 0)):
    name = path(*parts)
    os.makedirs(name, exist_ok=True)
    os.chmod(name, mode)
    os.chown(name, *owner)
    return name


def text(number, size):
    """Bytes that differ from file to file and do not compress to nothing."""
    line = b'%d %d %x\n' % (number, number * 7919 % 10007, number * 2654435761)
    return (line * (size // len(line) + 1))[:size]


def write(name, content, mode=0o644, owner=(0, 0)):
    global made
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    os.write(fd, content)
    os.fchmod(fd, mode)
    os.fchown(fd, *owner)
    os.utime(fd, ns=(1_500_000_000_123_456_789, 1_500_000_000_000_000_000 + made * 1_000_000_007))
    os.close(fd)
    made += 1


# Tags of POSIX ACL entries, as in include/uapi/linux/posix_acl.h.
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32
NOBODY = 0xFFFFFFFF


def set_acl(name, kind, entries):
    """kind is access or default; entries are (tag, permissions, id), sorted by tag."""
    value = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in entries)
    os.setxattr(name, 'system.posix_acl_' + kind, value)


def site():
    folder(b'web')
    write(path(b'web', b'serve.sh'), SERVE_WEB, 0o755)
    folder(b'web', b'www', b'assets')
    write(path(b'web', b'www', b'index.html'), b'<!doctype html><title>household</title>\n')
    for i in range(400):
        write(path(b'web', b'www', b'assets', b'tile-%03d.svg' % i), text(i, 200 + i))


def photos():
    """The big one: owned by the family's user, edited copies as hard links in another directory, shared by ACL."""
    family = (1000, 100)
    folder(b'photos', owner=family)
    albums = folder(b'photos', b'albums', mode=0o2775, owner=family)
    for year in range(2015, 2025):
        for month in range(1, 13):
            where = folder(b'photos', b'library', b'%d' % year, b'%02d' % month, owner=family)
            for i in range(38):
                write(where + b'/img_%04d.jpg' % i, text(year * month + i, 300 + 29 * i), 0o640, family)
            os.link(where + b'/img_0000.jpg', albums + b'/best-of-%d-%02d.jpg' % (year, month))
        os.link(where + b'/img_0001.jpg', where + b'/img_0001 (copy).jpg')
    shared = [(USER_OBJ, 7, NOBODY), (USER, 5, 1001), (GROUP_OBJ, 7, NOBODY), (GROUP, 5, 2000), (MASK, 7, NOBODY), (OTHER, 0, NOBODY)]
    set_acl(albums, 'access', shared)
    set_acl(albums, 'default', shared)
    one = path(b'photos', b'library', b'2020', b'06', b'img_0003.jpg')
    set_acl(one, 'access', [(USER_OBJ, 6, NOBODY), (USER, 4, 1002), (GROUP_OBJ, 4, NOBODY), (MASK, 4, NOBODY), (OTHER, 0, NOBODY)])
    os.setxattr(one, 'user.rating', b'5')
    os.setxattr(one, 'user.comment', b'by the sea\x00with a zero byte')
    os.setxattr(albums, 'user.album', 'Sommer, dänische Küste'.encode())
    os.symlink(b'library/2024', path(b'photos', b'latest'))
    os.symlink(b'/mnt/docker/photos/library/2015', path(b'photos', b'oldest'))
    os.symlink(b'library/1999', path(b'photos', b'lost'))
    os.lchown(path(b'photos', b'lost'), *family)


def notebooks():
    """Files of a rootless container: its user 1000 is 100999 here, its root is the user notes."""
    inner = (100999, 100999)
    folder(b'notes', owner=(1000, 100))
    write(path(b'notes', b'serve.sh'), SERVE_NOTES, 0o755, (1000, 100))
    for book in range(12):
        where = folder(b'notes', b'books', b'book-%02d' % book, mode=0o700, owner=inner)
        for page in range(50):
            write(where + b'/page-%03d.md' % page, text(book * 100 + page, 90 + page), 0o600, inner)
    os.chown(path(b'notes', b'books'), *inner)


def database_folder():
    """A service with users of its own, as images of databases have."""
    queue = (999, 998)
    folder(b'queue', mode=0o750, owner=queue)
    for shard in range(16):
        where = folder(b'queue', b'%02x' % shard, mode=0o750, owner=queue)
        for i in range(25):
            write(where + b'/%08x.msg' % (i * 65537 + shard), text(i * shard, 64 + i), 0o600, queue)
    os.mkfifo(path(b'queue', b'wakeup'), 0o600)
    os.mknod(path(b'queue', b'control.sock'), stat.S_IFSOCK | 0o700)
    for name in (b'wakeup', b'control.sock'):
        os.chown(path(b'queue', name), *queue)


def application():
    folder(b'app', b'uploads')
    for i in range(300):
        write(path(b'app', b'uploads', b'upload-%05d.bin' % i), text(i, 128 + i * 3))
    # Sparse: two blocks of data in 64 MiB, and a file that is nothing but a hole.
    fd = os.open(path(b'app', b'volume.img'), os.O_WRONLY | os.O_CREAT, 0o600)
    os.ftruncate(fd, 64 << 20)
    os.pwrite(fd, text(1, 4096), 1 << 20)
    os.pwrite(fd, text(2, 4096), 48 << 20)
    os.close(fd)
    fd = os.open(path(b'app', b'reserved.img'), os.O_WRONLY | os.O_CREAT, 0o600)
    os.ftruncate(fd, 16 << 20)
    os.close(fd)
    with open(path(b'app', b'bundle.bin'), 'wb') as bundle:
        for i in range(8):
            bundle.write(text(i, 1 << 20))
    helper = path(b'app', b'listen')
    write(helper, open('/bin/busybox', 'rb').read(65536), 0o755)
    # cap_net_bind_service=ep in the revision 2 format of include/uapi/linux/capability.h.
    os.setxattr(helper, 'security.capability', struct.pack('<5I', 0x02000001, 1 << 10, 0, 0, 0))
    write(path(b'app', b'switch-user'), b'#!/bin/sh\n', 0o4755, (1001, 1001))
    os.chmod(path(b'app', b'switch-user'), 0o4755)


def odd_names():
    """Names that break scripts; each is a legal name on every file system of Linux."""
    names = [
        b'two\nlines', b'trailing newline\n', b"it's", b'say "hello"', b'$(touch drayage-was-here)', b'`id`',
        b'-rf', b'--delete', b'latin1-\xe9\xff', b'tab\there', b' leading and trailing ', b'*', b'?', b'[a-z]',
        b'back\\slash', b'#hash', b'%s%n', b'a;b', b'a&b', b'a|b', b'{x,y}', b'~', b'.hidden', b'...', b'-',
        'e\u0301 decomposed'.encode(), '\u00e9 composed'.encode(), b'bell\x07', b'\x1b[31mred', b'x' * 255,
    ]
    where = folder(b'odd')
    for number, name in enumerate(names):
        write(where + b'/' + name, text(number, 50))
    os.symlink(b'target\nwith newline', where + b'/link\nwith newline')
    os.makedirs(where + b'/-dir\n/ $(id)/\xff\xfe', exist_ok=True)
    write(where + b'/-dir\n/ $(id)/\xff\xfe/file', b'here\n')
    deep = where
    for level in range(60):
        deep += b'/level-%02d' % level
        os.mkdir(deep)
    write(deep + b'/bottom', b'sixty below\n')
    folder(b'odd', b'empty', mode=0o700, owner=(65534, 65534))


def housekeeping():
    folder(b'housekeeping', b'bin')
    folder(b'housekeeping', b'reports')
    write(path(b'housekeeping', b'bin', b'collect'), COLLECT, 0o755)
    folder(b'writer')


SERVE_WEB = b"""#!/bin/sh
# Serves the site and leaves a sign of life; ends at once when asked to.
trap 'exit 0' TERM INT
httpd -p 8080 -h /srv/www
while :; do
  date +%s >/srv/heartbeat
  sleep 0.5
done
"""
SERVE_NOTES = b"""#!/bin/sh
# Runs as user 1000 of its container: what it writes belongs to a subordinate id outside.
trap 'exit 0' TERM INT
while :; do
  date +%s >/data/books/last-sync
  sleep 0.5
done
"""
COLLECT = b"""#!/bin/sh
set -e
cd /mnt/docker/housekeeping/reports
echo "$(date +%s) $(stat -f -c %d /mnt/docker) inodes free" >>usage.log
"""


def main():
    if os.path.exists(DONE):
        print('populate: nothing to do')
        return
    os.umask(0o022)
    folder()
    for name in os.listdir(TOP):
        remove(path(name))
    for part in (site, photos, notebooks, database_folder, application, odd_names, housekeeping):
        part()
    os.makedirs(os.path.dirname(DONE), exist_ok=True)
    open(DONE, 'w').close()
    print('populate: %d files' % made)


def remove(name):
    """Takes away what an interrupted run left."""
    if os.path.isdir(name) and not os.path.islink(name):
        for entry in os.listdir(name):
            remove(name + b'/' + entry)
        os.rmdir(name)
    else:
        os.unlink(name)


main()
