import { expect, it } from 'vitest';
import { aclTypeOf, xattrModeOf } from '../../src/zfs/values.ts';

it('reads xattr=on as what it means for the version of the module', () => {
  expect(xattrModeOf('on', { major: 2, minor: 3 })).toBe('sa');
  expect(xattrModeOf('on', { major: 3, minor: 0 })).toBe('sa');
  expect(xattrModeOf('on', { major: 2, minor: 2 })).toBe('dir');
  expect(xattrModeOf('sa', { major: 2, minor: 2 })).toBe('sa');
});

it('knows the old names of ACL types, and no others', () => {
  expect(['posix', 'posixacl', 'noacl', 'disabled', 'off', 'nfsv4'].map(aclTypeOf)).toEqual([
    'posix',
    'posix',
    'off',
    'off',
    'off',
    'nfsv4',
  ]);
  expect(aclTypeOf('new')).toBeUndefined();
  expect(xattrModeOf('new', { major: 2, minor: 3 })).toBeUndefined();
});
