import { type Edit, editYaml, snippetOf } from '../../config/edit.ts';
import type { Check } from '../operation.ts';
import type { Step } from '../plan.ts';
import { sameDigest } from '../steps/checks.ts';
import type { ConfigFile } from './facts.ts';
import { guestStep } from './guest-step.ts';

/**
 * The guest in drayage.yaml; where the file cannot be edited safely, a note with what to paste instead of a step. Nothing
 * where the file says it already.
 */
export function enterSteps(
  guest: { readonly name: string; readonly file: ConfigFile; readonly needs: readonly string[] },
  edits: readonly Edit[],
  notes: string[],
): Step[] {
  const { file, name, needs } = guest;
  const edited = editYaml(file.text, edits);
  if (edited === file.text) return [];
  const excerpt = snippetOf(edits);
  if (edited === undefined) {
    notes.push(
      `${file.path} is not edited (aliases, or another form than a block of keys). Enter in it:\n${excerpt}`,
    );
    return [];
  }
  const entered: Check = {
    kind: 'run',
    host: 'controller',
    argv: ['cat', '--', file.path],
    expect: { exitCode: 0, stdout: edited.replace(/\n$/, '') },
    what: `${file.path} has it`,
  };
  return [
    guestStep(guest, 'enter-guest', {
      title: `Enter ${name} in ${file.path}`,
      why: 'The other commands find the guest by it. Comments and order of the file stay as they are.',
      needs: [...needs],
      probe: [entered],
      operations: [
        {
          kind: 'write',
          host: 'controller',
          path: file.path,
          content: edited,
          excerpt,
          mode: file.mode,
          guards: [sameDigest('controller', file.path, file.sha256)],
          what: `enter ${name}`,
        },
      ],
      proof: [entered],
    }),
  ];
}
