const keepTime = (change: string, path = 'file') =>
  `touch -r ${path} ../time; ${change}; touch -h -r ../time ${path}`;

/** A change to a tree that has `file` with an ACL and an xattr, its second name, a link, and what makeTree makes: what, how, and what differs. */
export const changeCases: readonly (readonly [string, string, readonly string[]])[] = [
  ['content', keepTime('printf CONTENT >file'), ['file content', 'other-name content']],
  ['mode', 'chmod 0600 single', ['single mode']],
  ['setuid', 'chmod 4644 single', ['single mode']],
  ['owner', 'chown 5:6 single', ['single owner']],
  ['mtime', 'touch -d @1700000000.000000001 single', ['single mtime']],
  ['acl', 'setfacl -m u:7:- file', ['file acl', 'other-name acl']],
  ['a default acl', 'setfacl -d -m u:7:r folder', ['folder acl']],
  ['xattr', 'setfattr -n user.x -v 2 file', ['file xattr', 'other-name xattr']],
  [
    'a capability',
    'setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= single',
    ['single xattr'],
  ],
  [
    'link-target',
    keepTime('rm link; ln -s other link', 'link').replace('touch -r', 'touch -h -r'),
    ['link link-target'],
  ],
  [
    'device',
    keepTime(
      'rm null; mknod null c 1 5; chown --reference=../original/null null; chmod --reference=../original/null null',
      'null',
    ),
    ['null device'],
  ],
  ['type', 'rm single; mkdir single', ['single type']],
  ['missing', 'rm single', ['single missing']],
  ['unexpected', 'touch "$(printf "odd\\nx")"', ['odd\\x0ax unexpected']],
  ['hard-links', 'cp -a file broken; mv broken other-name', ['other-name hard-links']],
  ['a hard link made', 'rm single; cp -a ../original/single single; ln single new', ['new unexpected']],
];
