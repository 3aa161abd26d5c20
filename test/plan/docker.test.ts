import { describe, expect, it } from 'vitest';
import type { ContainerFindings, Findings, GuestSystem, UnitFindings } from '../../src/inspect/findings.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Operation } from '../../src/plan/operation.ts';
import { sampleConfig, sampleFindings, sampleYaml, web } from '../support/sample.ts';

const present = `${sampleYaml}    definitions: present\n`;

const container = (name: string, more: Partial<ContainerFindings> = {}): ContainerFindings => ({
  engine: 'docker',
  name,
  id: name,
  running: true,
  image: 'localhost/lab/base:1',
  imageId: 'sha256:11',
  restartPolicy: 'unless-stopped',
  bindSources: [],
  stopTimeoutSeconds: 10,
  ...more,
});

const compose = (service: string, more: Partial<ContainerFindings> = {}) =>
  container(`media-${service}-1`, {
    compose: {
      project: 'media',
      service,
      folder: '/mnt/docker/media',
      files: ['/mnt/docker/media/compose.yaml'],
      hash: `digest-of-${service}`,
    },
    ...more,
  });

/** db has the data; web needs db, proxy needs web; cache needs nothing. */
const media = [
  compose('proxy', { needs: ['media-web-1'] }),
  compose('web', { needs: ['media-db-1', 'media-cache-1'] }),
  compose('db', { bindSources: ['/mnt/docker/media/db'], stopTimeoutSeconds: 90 }),
  compose('cache', { restartPolicy: 'on-failure:3' }),
];

function world(
  containers: readonly ContainerFindings[],
  { units = [], target = {} }: { units?: readonly UnitFindings[]; target?: Partial<GuestSystem> } = {},
): Findings {
  const found = sampleFindings();
  const { doc1, doc2 } = found.guests as Record<'doc1' | 'doc2', Findings['guests'][string]>;
  return {
    ...found,
    guests: {
      doc1: { ...doc1!, system: { ...doc1!.system!, containers, units } },
      doc2: {
        ...doc2!,
        system: { ...doc2!.system!, dockerVersion: '26.1.5', composeVersion: '2.26.1', ...target },
      },
    },
  };
}

const plan = (findings: Findings, yaml = sampleYaml) => makePlan(sampleConfig(yaml), findings, '0.1.0');
const step = (id: string, findings: Findings, yaml?: string) => {
  const found = plan(findings, yaml).steps.find((each) => each.id === `${id} docker`);
  if (found === undefined) throw new Error(`no step ${id}`);
  return found;
};
const lines = (operations: readonly Operation[]) =>
  operations.flatMap((operation) => (operation.kind === 'run' ? [operation.argv.join(' ')] : []));
const codes = (findings: Findings, yaml?: string) => plan(findings, yaml).blockers.map(({ code }) => code);

describe('a compose project of docker', () => {
  it('moves as a whole, also what has no data in the path', () => {
    expect(step('stop', world(media)).title).toContain(
      'media-proxy-1, media-web-1, media-db-1, media-cache-1',
    );
  });

  it('has its restart policies taken, and given back as they were', () => {
    const { operations, undo, proof } = step('fence', world(media));
    expect(lines(operations)).toContain('docker update --restart no media-db-1');
    expect(lines(undo)).toContain('docker update --restart unless-stopped media-db-1');
    expect(lines(undo)).toContain('docker update --restart on-failure:3 media-cache-1');
    expect(proof).toHaveLength(4);
  });

  it('is stopped in the order of its dependencies, each with the time that it asks for', () => {
    const { operations, undo } = step('stop', world(media));
    expect(lines(operations)).toEqual([
      'docker stop media-proxy-1',
      'docker stop media-web-1',
      'docker stop media-db-1 media-cache-1',
    ]);
    expect(operations[2]).toMatchObject({ timeoutSeconds: 180 });
    expect(lines(undo)).toEqual([
      'docker start media-db-1 media-cache-1',
      'docker start media-web-1',
      'docker start media-proxy-1',
    ]);
  });

  it('is made on the target from its own files in the share, neither built nor pulled nor started', () => {
    const { operations, proof, undo } = step('definitions', world(media));
    expect(lines(operations)).toContain(
      'docker compose --project-name media --project-directory /mnt/docker/media --file /mnt/docker/media/compose.yaml create --no-build --pull never -- proxy web db cache',
    );
    expect(lines(operations)).toContain('docker update --restart no media-db-1');
    expect(proof).toContainEqual(
      expect.objectContaining({ expect: { exitCode: 0, stdout: 'digest-of-db' } }),
    );
    expect(lines(undo).filter((line) => line.includes('docker rm'))).toHaveLength(4);
  });

  it('has its images carried from store to store', () => {
    const { operations } = step('images', world(media));
    expect(lines(operations)[0]).toContain(
      "'docker' 'image' 'save' '--' 'localhost/lab/base:1'".replaceAll("'", ''),
    );
    expect(lines(operations)[1]).toBe(
      'docker image load --quiet --input /mnt/containers/.drayage/images/docker-docker.tar',
    );
  });

  it('is started in order, and gets its policies when it runs', () => {
    expect(lines(step('start', world(media)).operations).at(-1)).toBe('docker start media-proxy-1');
    expect(lines(step('restart-policy', world(media)).operations)).toContain(
      'docker update --restart on-failure:3 media-cache-1',
    );
  });

  it('needs docker and compose on the target', () => {
    expect(codes(world(media))).toEqual([]);
    const bare = { ...world(media).guests, doc2: sampleFindings().guests.doc2! };
    const { blockers } = plan({ ...world(media), guests: bare });
    expect(blockers[0]).toMatchObject({ code: 'plan/missing-tool', seen: 'docker on doc2' });
    expect(blockers[0]?.next[0]).toContain('apt-get install docker.io');
  });
});

describe('a compose project that a unit runs', () => {
  const unit: UnitFindings = {
    ...web,
    name: 'media.service',
    quadlet: false,
    sourcePath: '/etc/systemd/system/media.service',
    paths: ['/mnt/docker/media'],
  };
  const run = world(
    media.map((each) => ({ ...each, composeUnit: 'media.service' })),
    { units: [unit] },
  );

  it('is stopped by its unit first, then whatever is left of it', () => {
    const [first, ...rest] = lines(step('stop', run).operations);
    expect(first).toBe('systemctl stop media.service');
    expect(rest[0]).toContain('docker ps --quiet --filter name=^/?media-proxy-1$');
  });

  it('is started by its unit alone', () => {
    expect(lines(step('start', run).operations)).toEqual(['systemctl start media.service']);
    expect(lines(step('stop', run).undo)).toEqual(['systemctl start media.service']);
  });

  it('is fenced twice: the unit, and the containers that it may have left', () => {
    const { operations } = step('fence', run);
    expect(operations).toContainEqual(expect.objectContaining({ what: 'fence media.service' }));
    expect(lines(operations).filter((line) => line.includes('update --restart no'))).toHaveLength(4);
  });

  it('is not made beforehand on the target', () => {
    expect(lines(step('definitions', run).operations).join('\n')).not.toContain('compose');
  });
});

describe('a docker container', () => {
  const plain = container('writer', { bindSources: ['/mnt/docker/writer'] });

  it('made by hand cannot be carried, and the way out is told', () => {
    const [first] = plan(world([plain])).blockers;
    expect(first).toMatchObject({ code: 'plan/cannot-carry' });
    expect(first?.next[1]).toContain('docker create --name writer --restart=no');
  });

  it('that is present on the target loses its policy there until the hand-over', () => {
    expect(codes(world([plain]), present)).toEqual([]);
    const { operations, proof } = step('definitions', world([plain]), present);
    expect(lines(operations)).toEqual(['docker update --restart no writer']);
    expect(proof.at(-1)).toMatchObject({
      argv: expect.arrayContaining([expect.stringContaining('handed-over')]),
    });
  });

  it('with data in a volume of docker cannot be carried', () => {
    const db = compose('db', { bindSources: ['/mnt/docker/media/db'], volumes: ['media_pg'] });
    expect(plan(world([db])).blockers[0]?.seen).toContain('docker volume media_pg');
  });

  it('of a project whose file stays behind cannot be carried', () => {
    const db = compose('db', { bindSources: ['/mnt/docker/media/db'] });
    const elsewhere = { ...db, compose: { ...db.compose!, files: ['/opt/media/compose.yaml'] } };
    expect(plan(world([elsewhere])).blockers[0]?.seen).toContain('/opt/media/compose.yaml');
  });

  it('that goes when it is stopped is refused', () => {
    const gone = { ...plain, cannotFence: 'is removed when it stops (--rm): it could not be started again' };
    const [first] = plan(world([gone]), present).blockers;
    expect(first).toMatchObject({ code: 'plan/docker' });
    expect(first?.next[0]).toContain('workloads.ignore');
  });
});

describe('a container that the target has already', () => {
  it('loses its restart policy there before the target gets the share', () => {
    const found = sampleFindings();
    const doc2 = found.guests.doc2!;
    const containers = found.guests.doc1!.system!.containers;
    const findings = {
      ...found,
      guests: { ...found.guests, doc2: { ...doc2, system: { ...doc2.system!, containers } } },
    };
    const ids = plan(findings).steps.map(({ id }) => id);
    expect(ids.indexOf('hold-back docker')).toBeLessThan(ids.indexOf('device docker'));
    expect(step('power-cycle', findings).needs).toContain('hold-back docker');
    expect(lines(step('hold-back', findings).operations)).toEqual(['podman update --restart no writer']);
    expect(plan(found).steps.map(({ id }) => id)).not.toContain('hold-back docker');
  });
});
