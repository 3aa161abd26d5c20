import { quoteArgv } from '../../ssh/quote.ts';
import type { MoveContext } from '../context.ts';
import type { Check, Operation } from '../operation.ts';
import type { Step } from '../plan.ts';
import { shareLayout } from '../share-layout.ts';
import { asUserOf } from './as-owner.ts';
import type { Engine } from './engine.ts';

const pullImage = 'ssh -o BatchMode=yes -- "$1" "$2" > "$3"';

/**
 * The images that the workloads run, carried as they are: the same id, no registry, no surprise by a tag that moved.
 * They go from the source guest to the node's share and from there into the target's own store, never through the
 * controller, and the file is removed again.
 */
export function imagesStep(context: MoveContext): Step {
  const { share, move } = context;
  const needed = neededImages(context);
  const operations: Operation[] = [];
  const present: Check[] = [];
  for (const store of new Set(needed.map(storeOf))) {
    const images = needed.filter((image) => storeOf(image) === store);
    const { engine, user } = images[0] as NeededImage;
    const names = images.map((image) => image.name);
    const file = `${move.name}-${store}.tar`;
    const onNode = `${shareLayout(share.path).images}/${file}`;
    const save = asUserOf(context, 'source', user, [
      engine,
      'image',
      'save',
      // docker's archives hold many images as they are.
      ...(engine === 'podman' ? ['--multi-image-archive'] : []),
      '--',
      ...names,
    ]);
    const remote = quoteArgv(context.sourceGuest.config.sudo ? ['sudo', '-n', '--', ...save] : save);
    operations.push(
      {
        kind: 'run',
        host: share.node,
        argv: ['sh', '-c', pullImage, 'sh', context.sourceGuest.config.sshFromNode, remote, onNode],
        guards: [...context.guards],
        timeoutSeconds: 7200,
        what: `fetch ${names.join(', ')} from ${move.from.guest}`,
      },
      {
        kind: 'run',
        host: move.to.guest,
        argv: asUserOf(context, 'target', user, [
          engine,
          'image',
          'load',
          '--quiet',
          '--input',
          `${shareLayout(share.mount).images}/${file}`,
        ]),
        timeoutSeconds: 7200,
        what: `load them into the store of ${store} on ${move.to.guest}`,
      },
      {
        kind: 'run',
        host: share.node,
        argv: ['rm', '-f', '--', onNode],
        guards: [...context.guards],
        what: 'remove the file again',
      },
    );
    present.push({
      kind: 'run',
      host: move.to.guest,
      argv: asUserOf(context, 'target', user, [engine, 'image', 'inspect', '--format', '{{.Id}}', ...names]),
      expect: { exitCode: 0, stdout: images.map((image) => image.id).join('\n') },
      what: `${move.to.guest} has ${images.map((image) => `${image.name} (${image.id.slice(0, 12)})`).join(', ')}`,
    });
    // A run that was killed between the two would leave the archive in the share for good.
    present.push({
      kind: 'run',
      host: share.node,
      argv: ['test', '-e', onNode],
      expect: { exitCode: 1 },
      what: `${onNode} is removed again`,
    });
  }
  return {
    id: `images ${move.name}`,
    phase: move.phase,
    move: move.name,
    stage: 'prepare',
    title: `Images for ${move.to.guest}: ${needed.map((image) => image.name).join(', ')}`,
    why: 'Fetched before the window, so that no registry and no rate limit can lengthen it. The image store itself never moves: it holds absolute paths and cannot live on virtiofs.',
    needs: [`mounted ${move.name}`],
    probe: present,
    operations,
    proof: present,
    undo: [],
  };
}

export interface NeededImage {
  readonly name: string;
  readonly id: string;
  readonly engine: Engine;
  readonly user?: string;
}

/** Whose store an image lies in: `root`, a user, or `docker`. */
function storeOf({ engine, user }: NeededImage): string {
  return engine === 'docker' ? engine : (user ?? 'root');
}

/** The images that the workloads name, each once for each store. */
export function neededImages(context: MoveContext): NeededImage[] {
  if (context.move.definitions === 'present') return [];
  const wanted = new Map<string, NeededImage>();
  const add = (name: string, user?: string) => {
    const image = context.sourceGuest.system.images.find(
      (found) => found.name === name && found.user === user,
    );
    if (image !== undefined)
      wanted.set(`${user ?? ''} ${name}`, {
        name,
        id: image.id,
        engine: 'podman',
        ...(user === undefined ? {} : { user }),
      });
  };
  for (const container of context.containers)
    if (container.engine === 'podman') add(container.image, container.user);
  for (const unit of context.units) if (unit.image !== undefined) add(unit.image, unit.user);
  for (const { engine, image, imageId } of context.containers)
    if (engine === 'docker') wanted.set(`docker: ${image}`, { name: image, id: imageId, engine });
  return [...wanted.values()];
}
