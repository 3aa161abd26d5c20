import { expect, it } from 'vitest';
import { nixosShareModule } from '../../src/nix/share-module.ts';

it('the module of a share is its file system, and what Nix would fill in is text', () => {
  expect(nixosShareModule({ mount: '/mnt/$' + '{HOME}', mapping: 'containers' })).toContain(
    'fileSystems."/mnt/\\$' + '{HOME}" = {\n    device = "containers";\n    fsType = "virtiofs";',
  );
});
