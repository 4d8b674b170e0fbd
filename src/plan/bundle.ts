/** The plan bundle: everything that an apply needs and must match, under one digest. */
import { createHash, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { sizeOf, type Content } from '../content.js';
import {
  changeSchema,
  changeSummarySchema,
  checkSchema,
  jsonSchema,
  outputChangeSchema,
  type Change,
  type OutputChange,
} from '../contract/change.js';
import type { Json } from '../contract/json.js';
import { engineSchema } from '../contract/module-schema.js';
import { stackIdSchema } from '../contract/operation.js';
import { recordOf } from '../contract/record-of.js';
import { engineOptionsSchema, importMappingSchema } from '../contract/request.js';
import { digestOf } from '../store/artefacts.js';
import { byCodePoint, canonicalJson } from '../contract/canonical-json.js';
import { changeLine } from './change-line.js';

/** What the digest of a bundle covers, and how. */
const BUNDLE_VERSION = 1;

/** What a bundle is about, besides the plan file and the changes. No timestamps: equal plans of one preview are equal. */
export const planSubjectSchema = z.object({
  stackId: stackIdSchema,
  operation: z.enum(['apply', 'destroy', 'refresh', 'import']),
  options: engineOptionsSchema,
  imports: z.array(importMappingSchema),
  /** Image by digest: `host/repo@sha256:…`, or the image id where nothing was pushed. */
  image: z.string().min(1),
  engine: engineSchema,
  toolVersion: z.string(),
  /** Environment of the tool without credentials. */
  environment: recordOf(z.string()),
  /** Inputs, secret ones as `{$sensitive: hmac}`: see `maskInputs`. */
  inputs: recordOf(jsonSchema),
  /** Names of the inputs whose values are secret. */
  secretInputs: z.array(z.string()),
  stateFingerprint: z.string().nullable(),
  /** Where state is: `snapshot`, or a digest of the backend URL without its credentials. */
  stateLocation: z.string(),
});
export type PlanSubject = z.infer<typeof planSubjectSchema>;

/** What the preview found; all of it is masked. */
export const planFindingsSchema = z.object({
  summary: changeSummarySchema,
  outputChanges: z.array(outputChangeSchema),
  drift: z.array(changeSchema),
  checks: z.array(checkSchema),
  notices: z.array(z.string()),
  hasUnknown: z.boolean(),
});
export type PlanFindings = z.infer<typeof planFindingsSchema>;

/** One file of a bundle. */
export interface ManifestEntry {
  readonly name: string;
  /** 64 hex digits. */
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

/** The engine's plan file. */
export interface PlanFile {
  readonly content: Content;
  /** `sha256:` and 64 hex digits. */
  readonly digest: string;
}

/** A plan that can be approved by its digest. */
export interface PlanBundle {
  readonly manifest: readonly ManifestEntry[];
  /** SHA-256 of the manifest's canonical form: what an approval names. */
  readonly digest: string;
  /** What two previews are compared by: the changes alone. */
  readonly changesDigest: string;
  readonly subject: PlanSubject;
  readonly findings: PlanFindings;
  /** All changes, masked, as the lines that `changeLine` makes. */
  readonly changes: readonly Buffer[];
  /** Absent where the engine has none for the operation. */
  readonly plan?: PlanFile;
  readonly previewId: string;
}

/** What `createPlanBundle` is given. */
export interface PlanBundleParts {
  readonly subject: PlanSubject;
  readonly findings: PlanFindings;
  readonly changes: readonly Buffer[];
  readonly plan?: PlanFile;
  /** 32 hex digits that make each preview's plan one of its kind; default: random. */
  readonly previewId?: string;
}

/** Makes the bundle of a preview. Throws `ZodError` when a part has the wrong form. */
export function createPlanBundle(parts: PlanBundleParts): PlanBundle {
  const bundle = {
    subject: planSubjectSchema.parse(parts.subject),
    findings: planFindingsSchema.parse(parts.findings),
    changes: parts.changes,
    previewId: parts.previewId ?? randomBytes(16).toString('hex'),
    ...(parts.plan && { plan: parts.plan }),
  };
  // Once for both digests, and never joined: a plan can have 20 MB of changes.
  const lines = sorted(bundle.changes);
  const entries = Object.entries(bundleFiles(bundle, lines)).map(([name, pieces]) =>
    manifestEntry(name, pieces),
  );
  if (bundle.plan !== undefined) {
    const sha256 = bundle.plan.digest.slice('sha256:'.length);
    entries.push({ name: 'plan', sha256, size: sizeOf(bundle.plan.content) });
  }
  const manifest = entries.sort((a, b) => byCodePoint(a.name, b.name));
  return {
    ...bundle,
    manifest,
    digest: manifestDigest(manifest),
    changesDigest: digestOfLines(lines, bundle.findings.outputChanges),
  };
}

type Pieces = Iterable<Uint8Array | string>;

/** The files of a bundle by name, but for the plan file; each part that can differ is a file of its own, so that a difference has a name. */
function bundleFiles(
  bundle: Omit<PlanBundle, 'manifest' | 'digest' | 'changesDigest'>,
  lines: readonly Buffer[],
): Readonly<Record<string, Pieces>> {
  const { stackId, operation, options, imports, image, engine, toolVersion, ...rest } =
    bundle.subject;
  const { environment, inputs, secretInputs, stateFingerprint, stateLocation } = rest;
  const json = (value: unknown): Pieces => [canonicalJson(value as Json)];
  return {
    changes: joined(lines),
    engine: json({ engine, toolVersion }),
    environment: json(environment),
    findings: json(bundle.findings),
    image: json(image),
    inputs: json({ inputs, secretInputs }),
    operation: json({ stackId, operation, options, imports }),
    'preview-id': [bundle.previewId],
    state: json({ stateFingerprint, stateLocation }),
    version: [String(BUNDLE_VERSION)],
  };
}

/** SHA-256 of a manifest's canonical form. */
export function manifestDigest(manifest: readonly ManifestEntry[]): string {
  return digestOf(
    canonicalJson(manifest.map(({ name, sha256, size }) => ({ name, sha256, size }))),
  );
}

/** SHA-256 of changes and output changes, in whatever order the engine gave them. */
export function changesDigest(
  changes: readonly Change[],
  outputChanges: readonly OutputChange[],
): string {
  return digestOfLines(sorted(changes.map(changeLine)), outputChanges);
}

function digestOfLines(lines: readonly Buffer[], outputChanges: readonly OutputChange[]): string {
  const outputs = outputChanges.map((change) => canonicalJson(change as unknown as Json));
  const { sha256 } = manifestEntry('', joined([...lines, '', ...outputs.sort(byCodePoint)]));
  return `sha256:${sha256}`;
}

/** By code point, which is the order of the bytes. */
function sorted(lines: readonly Buffer[]): Buffer[] {
  return [...lines].sort((a, b) => Buffer.compare(a, b));
}

/** Lines with line feeds between them. */
function* joined(lines: readonly (Buffer | string)[]): Generator<Buffer | string> {
  for (const [index, line] of lines.entries()) {
    if (index > 0) yield '\n';
    yield line;
  }
}

function manifestEntry(name: string, pieces: Pieces): ManifestEntry {
  const hash = createHash('sha256');
  let size = 0;
  for (const piece of pieces) {
    hash.update(piece);
    size += typeof piece === 'string' ? Buffer.byteLength(piece) : piece.length;
  }
  return { name, sha256: hash.digest('hex'), size };
}
