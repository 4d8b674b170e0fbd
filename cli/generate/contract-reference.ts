/** The contract as a page: one table per schema, one row per member. */
import type { NamedSchema } from '../../src/contract/json-schemas.js';

interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly additionalProperties?: Schema | boolean;
  readonly pattern?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

/** The page `docs/contract.md`. */
export function contractReference(schemas: readonly NamedSchema[]): string {
  const sections = schemas.map(({ name, title, schema }) => section(name, title, schema as Schema));
  return `# Contract reference

Written from the schemas in \`src/contract\`; do not edit. The same as JSON Schema (draft 2020-12):
\`schemas/*.json\` in the package, for example \`import schema from 'cldctl-iac/schemas/operation-input.json' with { type: 'json' }\`.

Numbers are never rounded on the way; a number that JSON readers of another language would round is better sent as a string.
A masked value is \`{"$sensitive": true}\` (or a keyed digest instead of \`true\`, equal for equal values of one stack);
a value that is known only after the apply is \`{"$unknown": true}\`.

${sections.join('\n')}`;
}

function section(name: string, title: string, schema: Schema): string {
  const variants = schema.oneOf ?? schema.anyOf;
  const body =
    variants === undefined ? table(schema) : variants.map((variant) => table(variant)).join('\n');
  return `## ${name}

${title}. Schema: [\`schemas/${name}.json\`](../schemas/${name}.json).

${body}`;
}

function table(schema: Schema): string {
  const rows = rowsOf(schema, '');
  return `| member | type | required | meaning |
| --- | --- | --- | --- |
${rows.map(line).join('\n')}
`;
}

function line({ path, type, required, meaning }: Row): string {
  return `| \`${path}\` | ${type} | ${required ? 'yes' : ''} | ${meaning} |`;
}

interface Row {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly meaning: string;
}

function rowsOf(schema: Schema, prefix: string): Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const path = `${prefix}${name}`;
    const row: Row = {
      path,
      type: typeOf(member),
      required: schema.required?.includes(name) ?? false,
      meaning: (member.description ?? '').replaceAll('|', '\\|'),
    };
    const inner =
      member.properties !== undefined
        ? rowsOf(member, `${path}.`)
        : member.items?.properties !== undefined
          ? rowsOf(member.items, `${path}[].`)
          : [];
    return [row, ...inner];
  });
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(' \\| ');
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants !== undefined) return variants.map(typeOf).join(' \\| ');
  if (schema.type === 'array')
    return `list of ${schema.items === undefined ? 'values' : typeOf(schema.items)}`;
  if (schema.type === 'object') {
    const { properties, additionalProperties } = schema;
    if (properties !== undefined) return `object \`{${Object.keys(properties).join(', ')}}\``;
    return typeof additionalProperties === 'object'
      ? `map of ${typeOf(additionalProperties)}`
      : 'object';
  }
  if (schema.type === undefined) return 'any JSON';
  const limits = [
    schema.pattern === undefined ? '' : `\`/${schema.pattern.replaceAll('|', '\\|')}/\``,
    schema.maxLength === undefined ? '' : `at most ${schema.maxLength} characters`,
    schema.default === undefined ? '' : `default ${code(schema.default)}`,
  ].filter((limit) => limit !== '');
  return [String(schema.type), ...limits].join(', ');
}

function code(value: unknown): string {
  return `\`${JSON.stringify(value)}\``;
}
