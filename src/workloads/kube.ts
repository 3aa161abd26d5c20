import { parseAllDocuments } from 'yaml';

/** What a Kubernetes file says about paths of the guest, and about the containers that podman makes of it. */
export interface KubeFile {
  readonly paths: readonly string[];
  /** `<pod>-<container>`, as podman-kube-play(1) names them; of a Deployment the pod is `<name>-pod`. */
  readonly containers: readonly string[];
}

type Value = Readonly<Record<string, unknown>>;

const object = (value: unknown): Value =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Value) : {};
const list = (value: unknown): readonly Value[] => (Array.isArray(value) ? value.map(object) : []);
const text = (value: unknown): string[] => (typeof value === 'string' && value !== '' ? [value] : []);

/** Reads the documents of a file; what is no pod says nothing. undefined: it is not YAML. */
export function parseKube(source: string): KubeFile | undefined {
  const values = documents(source);
  const pods = values?.flatMap((value) => {
    const name = text(object(value.metadata).name)[0] ?? '';
    if (value.kind === 'Pod') return [{ name, spec: object(value.spec) }];
    const template = object(object(value.spec).template);
    return template.spec === undefined ? [] : [{ name: `${name}-pod`, spec: object(template.spec) }];
  });
  if (pods === undefined) return undefined;
  const volumes = pods.flatMap(({ spec }) => list(spec.volumes));
  return {
    paths: [...new Set(volumes.flatMap((volume) => text(object(volume.hostPath).path)))],
    containers: pods.flatMap(({ name, spec }) =>
      [...list(spec.initContainers), ...list(spec.containers)].flatMap((container) =>
        text(container.name).map((own) => `${name}-${own}`),
      ),
    ),
  };
}

function documents(source: string): Value[] | undefined {
  try {
    const all = [...parseAllDocuments(source)];
    return all.some(({ errors }) => errors.length > 0) ? undefined : all.map((each) => object(each.toJS()));
  } catch {
    // Aliases that unfold without end.
    return undefined;
  }
}
