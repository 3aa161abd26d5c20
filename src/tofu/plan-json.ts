import { z } from 'zod';
import { tofuError } from './errors.ts';

const anything = z.unknown();

const changeSchema = z.looseObject({
  actions: z.array(z.string()),
  before: anything.optional(),
  after: anything.optional(),
  after_unknown: anything.optional(),
  before_sensitive: anything.optional(),
  after_sensitive: anything.optional(),
  replace_paths: z.array(z.array(z.union([z.string(), z.number()]))).nullish(),
  importing: z.looseObject({ id: z.string().optional() }).nullish(),
});

const resourceChangeSchema = z.looseObject({
  address: z.string(),
  previous_address: z.string().optional(),
  mode: z.string(),
  type: z.string(),
  name: z.string(),
  deposed: z.string().optional(),
  action_reason: z.string().optional(),
  change: changeSchema,
});
export type ResourceChange = z.output<typeof resourceChangeSchema>;

const planSchema = z.looseObject({
  format_version: z.string(),
  resource_changes: z.array(resourceChangeSchema).default([]),
  resource_drift: z.array(resourceChangeSchema).default([]),
  output_changes: z.record(z.string(), z.looseObject({ actions: z.array(z.string()) })).default({}),
  errored: z.boolean().default(false),
  complete: z.boolean().default(true),
  deferred_changes: z.array(anything).default([]),
  action_invocations: z.array(anything).default([]),
});
/** What `show -json` prints of a plan file (internals/json-format), as far as drayage reads it. Holds secrets in clear. */
export type PlanJson = z.output<typeof planSchema>;

/** @throws tofu/unreadable-output, tofu/unknown-format. Nothing of the text is shown: it may hold secrets. */
export function parsePlanJson(text: string, tool: string): PlanJson {
  const value = parsed(text, `${tool} show -json`);
  const version = (value as { format_version?: unknown } | null)?.format_version;
  if (typeof version === 'string' && !/^1\./.test(version))
    throw tofuError('tofu/unknown-format', {
      seen: `${tool} show -json: format_version ${JSON.stringify(version)}; known is 1`,
      next: [`${tool} version`, 'read the plan yourself before you apply it'],
    });
  const result = planSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw tofuError('tofu/unreadable-output', {
    seen: `${tool} show -json: ${issue?.path.join('.') ?? ''}: not as documented`,
    next: [`${tool} version`],
  });
}

const stateResource = z.looseObject({
  address: z.string(),
  mode: z.string(),
  type: z.string(),
  values: z.record(z.string(), anything).default({}),
});
const moduleSchema: z.ZodType<StateModule> = z.looseObject({
  resources: z.array(stateResource).default([]),
  child_modules: z.lazy(() => z.array(moduleSchema)).default([]),
}) as unknown as z.ZodType<StateModule>;
type StateResource = z.output<typeof stateResource>;
interface StateModule {
  readonly resources: readonly StateResource[];
  readonly child_modules: readonly StateModule[];
}
const stateSchema = z.looseObject({
  format_version: z.string(),
  values: z.looseObject({ root_module: moduleSchema }).optional(),
});

/** What `show -json` prints of the state: every managed resource. An absent or empty state has none. */
export function parseStateJson(text: string, tool: string): readonly StateResource[] {
  const result = stateSchema.safeParse(parsed(text, `${tool} show -json`));
  if (!result.success || !/^[01]\./.test(result.data.format_version))
    throw tofuError('tofu/unreadable-output', {
      seen: `${tool} show -json: the state is not in the documented format`,
      next: [`${tool} version`],
    });
  const all = (module: StateModule): StateResource[] => [
    ...module.resources,
    ...module.child_modules.flatMap(all),
  ];
  const root = result.data.values?.root_module;
  return root === undefined ? [] : all(root).filter(({ mode }) => mode === 'managed');
}

/** Lineage and serial of `state pull`; undefined: there is no state. */
export function parseStateIdentity(
  text: string,
  tool: string,
): { readonly lineage: string; readonly serial: number } | undefined {
  if (text.trim() === '') return undefined;
  const schema = z.looseObject({ lineage: z.string(), serial: z.number() });
  const result = schema.safeParse(parsed(text, `${tool} state pull`));
  if (result.success) return { lineage: result.data.lineage, serial: result.data.serial };
  throw tofuError('tofu/unreadable-output', {
    seen: `${tool} state pull: no lineage and serial in it`,
    next: [`${tool} state list`],
  });
}

const diagnosticSchema = z.looseObject({
  severity: z.string(),
  summary: z.string(),
  detail: z.string().default(''),
  range: z
    .looseObject({ filename: z.string(), start: z.looseObject({ line: z.number(), column: z.number() }) })
    .optional(),
});
export type Diagnostic = z.output<typeof diagnosticSchema>;

/** What `validate -json` says. */
export function parseValidation(
  text: string,
  tool: string,
): { readonly valid: boolean; readonly diagnostics: readonly Diagnostic[] } {
  const schema = z.looseObject({ valid: z.boolean(), diagnostics: z.array(diagnosticSchema).default([]) });
  const result = schema.safeParse(parsed(text, `${tool} validate -json`));
  if (result.success) return result.data;
  throw tofuError('tofu/unreadable-output', {
    seen: `${tool} validate -json: not as documented`,
    next: [`${tool} validate`],
  });
}

/** The diagnostics among the lines that `plan -json` and `apply -json` print (internals/machine-readable-ui). */
export function diagnosticsOf(lines: string): Diagnostic[] {
  return lines.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      const result = diagnosticSchema.safeParse((JSON.parse(line) as { diagnostic?: unknown }).diagnostic);
      return result.success ? [result.data] : [];
    } catch {
      return [];
    }
  });
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw tofuError('tofu/unreadable-output', {
      seen: `${what}: what it printed is not JSON`,
      next: [what.replace(' -json', '')],
    });
  }
}
