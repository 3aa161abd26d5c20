import { expect, test } from 'vitest';
import { parseKube } from '../../src/workloads/kube.ts';
import { parseQuadlet } from '../../src/workloads/quadlet.ts';

const pod = `
apiVersion: v1
kind: Pod
metadata: { name: media }
spec:
  containers:
    - { name: web, image: web:1 }
    - { name: db, image: db:1 }
  volumes:
    - { name: data, hostPath: { path: /mnt/docker/media, type: Directory } }
    - { name: cache, persistentVolumeClaim: { claimName: media-cache } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: notes }
spec:
  template:
    spec:
      containers: [{ name: app, image: app:1 }]
      volumes: [{ name: d, hostPath: { path: /srv/notes } }]
---
apiVersion: v1
kind: ConfigMap
metadata: { name: settings }
data: { key: value }
`;

test('a Kubernetes file says which paths it uses, and how podman names its containers', () => {
  expect(parseKube(pod)).toEqual({
    paths: ['/mnt/docker/media', '/srv/notes'],
    containers: ['media-web', 'media-db', 'notes-pod-app'],
  });
});

test('what is no pod says nothing, and what is no YAML is not understood', () => {
  const nothing = { paths: [], containers: [] };
  expect(parseKube('a: [')).toBeUndefined();
  expect(parseKube('- a\n- b')).toEqual(nothing);
  expect(parseKube('')).toEqual(nothing);
});

test('a .kube quadlet names its file, beside it or by an absolute path', () => {
  const at = (yaml: string) =>
    parseQuadlet(`[Kube]\nYaml=${yaml}\n`, {
      file: '/etc/containers/systemd/media.kube',
      home: '/root',
      uid: 0,
      movedPaths: [],
    }).kubeFile;
  expect(at('media.yaml')).toBe('/etc/containers/systemd/media.yaml');
  expect(at('/srv/media.yaml')).toBe('/srv/media.yaml');
  expect(at('%h/media.yaml')).toBe('/root/media.yaml');
});
