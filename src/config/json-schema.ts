import { z } from 'zod';
import type { ConfigPath } from './problem.ts';
import { configSchema } from './schema.ts';

/** The parts of JSON Schema (draft 7) that zod writes for drayage.yaml. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly title?: string;
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | false;
  readonly items?: JsonSchema;
}

/** JSON Schema of drayage.yaml. Draft 7, the newest that the common YAML editors understand in full. */
export function configJsonSchema(): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-7' }) as JsonSchema;
  return {
    ...($schema !== undefined && { $schema }),
    title: 'drayage.yaml',
    description: 'Configuration of drayage: what moves from where to where.',
    ...rest,
  };
}

let whole: JsonSchema | undefined;

/** The schema of one place in the file, or undefined where the file may hold nothing. */
export function schemaAt(path: ConfigPath): JsonSchema | undefined {
  whole ??= configJsonSchema();
  let here: JsonSchema | undefined = whole;
  for (const part of path) {
    if (here === undefined) return undefined;
    if (typeof part === 'number') here = here.items;
    else if (here.properties) here = Object.hasOwn(here.properties, part) ? here.properties[part] : undefined;
    else here = here.additionalProperties || undefined;
  }
  return here;
}
