import type { Config } from '../../src/config/config.ts';
import type { Findings } from '../../src/inspect/findings.ts';
import { makePlan } from '../../src/plan/make-plan.ts';
import type { Plan, Step } from '../../src/plan/plan.ts';
import type { MoveFacts, RollbackFacts, ShareFacts } from '../../src/plan/way-back/facts.ts';
import { makeRollback, type Wanted } from '../../src/plan/way-back/make-rollback.ts';
import { sampleConfig, sampleFindings, sampleYaml } from './sample.ts';

const configs = new Map<string, Config>();

/** Read once: thousands of plans are made from it. */
function configOf(yaml = sampleYaml): Config {
  const known = configs.get(yaml) ?? sampleConfig(yaml);
  configs.set(yaml, known);
  return known;
}

/** What the run of the sample's cutover knew. */
export function cutover(yaml = sampleYaml) {
  const findings = sampleFindings();
  return { findings, plan: makePlan(configOf(yaml), findings, '0.1.0') };
}

type Target = NonNullable<Findings['moves'][string]['target']>;

/** The sample's world with the share made; `target` is the state of the move. */
export function moved(target: Partial<Target>): Findings {
  const found = sampleFindings();
  const marker = { uuid: '11111111-1111-8111-9111-111111111111', share: 'containers' };
  const doc2 = found.guests.doc2!;
  const device = {
    key: 'virtiofs0',
    mapping: 'containers',
    cache: 'auto',
    directIo: false,
    exposeXattr: true,
    exposeAcl: true,
    raw: 'dirid=containers,expose-acl=1,expose-xattr=1',
    pending: false,
  } as const;
  return {
    ...found,
    cluster: {
      ...found.cluster,
      mappings: [
        {
          id: 'containers',
          entries: [
            { node: 'main', path: '/tank/containers' },
            { node: 'prom', path: '/nvmeprom/containers' },
          ],
          digest: 'e'.repeat(40),
        },
      ],
    },
    guests: { ...found.guests, doc2: { ...doc2, vm: { ...doc2.vm, virtiofs: [device] } } },
    shares: {
      containers: {
        name: 'containers',
        occupied: false,
        marker,
        dataset: {
          mounted: true,
          mountpoint: '/nvmeprom/containers',
          acltype: 'posix',
          xattr: 'sa',
          availableBytes: 1e12,
          children: [],
        },
      },
    },
    moves: {
      docker: {
        ...found.moves.docker!,
        targetPath: 'mounted',
        target: { empty: false, claimed: true, released: false, handedOver: false, ...target },
      },
    },
  };
}

export interface Case {
  readonly findings: Findings;
  readonly move?: Partial<MoveFacts>;
  readonly share?: Partial<ShareFacts>;
  readonly wanted?: Partial<Wanted>;
  readonly yaml?: string;
}

/** Everything that the first run did is known, and nothing else is in the share. */
export function factsOf(given: Case): RollbackFacts {
  const recorded = cutover(given.yaml);
  const of = (step: Step) => step.operations.length > 0;
  const performed = recorded.plan.steps.filter(of).map((step) => ({ step }));
  return {
    moves: {
      docker: {
        performed: performed.filter(({ step }) => step.move === 'docker'),
        recorded,
        window: [],
        carryBack: 'none',
        ...given.move,
      },
    },
    shares: {
      containers: {
        performed: performed.filter(({ step }) => step.move === undefined),
        snapshots: ['drayage-docker-cutover'],
        strangers: [],
        ...given.share,
      },
    },
  };
}

export function rollback(given: Case): Plan {
  return makeRollback(
    configOf(given.yaml),
    given.findings,
    factsOf(given),
    { moves: ['docker'], ...given.wanted },
    '0.1.0',
  );
}
