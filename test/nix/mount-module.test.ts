import { describe, expect, test } from 'vitest';
import { nixosGuestModule } from '../../src/nix/mount-module.ts';
import { twoMoves } from './module-sample.ts';

describe('the module of a NixOS guest', () => {
  const [first] = twoMoves;

  test('is one file: what it mounts, and the conditions of each unit', () => {
    const units = first!.units.slice(0, 3);
    expect(nixosGuestModule('doc2', [{ ...first!, units }])).toMatchInlineSnapshot(`
      "# Made by drayage: shares and conditions of doc2. Put it beside the configuration of doc2, and import it there:
      #   imports = [ ./drayage.nix ];
      { ... }:
      {
        fileSystems = {
          "/mnt/containers" = {
            device = "containers";
            fsType = "virtiofs";
            options = [ "rw" "relatime" "nofail" "x-systemd.mount-timeout=30s" ];
            noCheck = true;
          };
          "/mnt/docker" = {
            device = "/mnt/containers/doc1";
            fsType = "none";
            options = [ "bind" "nofail" "x-systemd.requires-mounts-for=/mnt/containers" ];
          };
        };
        systemd = {
          services = {
            web = {
              unitConfig = {
                RequiresMountsFor = [ "/mnt/docker" ];
                BindsTo = [ "mnt-docker.mount" ];
                After = [ "mnt-docker.mount" ];
                AssertPathIsMountPoint = [ "/mnt/docker" ];
                AssertPathExists = [ "/mnt/containers/.drayage/share.json" "/mnt/containers/.drayage/moves/docker/released" ];
              };
            };
          };
          units = {
            "notes.service" = {
              overrideStrategy = "asDropin";
              text = ''
                [Unit]
                RequiresMountsFor=/mnt/docker
                BindsTo=mnt-docker.mount
                After=mnt-docker.mount
                AssertPathIsMountPoint=/mnt/docker
                AssertPathExists=/mnt/containers/.drayage/share.json
                AssertPathExists=/mnt/containers/.drayage/moves/docker/released
              '';
            };
          };
          user = {
            units = {
              "podman-compose@photos.service" = {
                overrideStrategy = "asDropin";
                text = ''
                  [Unit]
                  AssertPathIsMountPoint=/mnt/docker
                  AssertPathExists=/mnt/containers/.drayage/share.json
                  AssertPathExists=/mnt/containers/.drayage/moves/docker/released
                '';
              };
            };
          };
        };
      }
      "
    `);
  });

  test('makes no rule for tmpfiles, and names no unit when there is none', () => {
    const module = nixosGuestModule('doc2', [{ ...first!, units: [] }]);
    expect(module).not.toContain('tmpfiles');
    expect(module).not.toContain('systemd = ');
  });

  test('mounts the share at the old path when the move takes its top', () => {
    const { share, move } = first!;
    const top = {
      share: { ...share, mount: move.from.path },
      move: { ...move, to: { ...move.to, as: '.' } },
      units: [],
    };
    expect(nixosGuestModule('doc2', [top]).match(/device = .*/g)).toEqual([`device = "${share.mapping}";`]);
  });
});
