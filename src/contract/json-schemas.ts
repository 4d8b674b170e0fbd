/** The JSON Schemas of everything that crosses a boundary, made from the same source as the checks. */
import * as z from 'zod';
import { entrypointEventSchema } from './event.js';
import { failureSchema } from './error-code.js';
import { moduleDescriptionSchema } from './module-schema.js';
import {
  acknowledgementSchema,
  decisionResultSchema,
  decisionSchema,
  killSchema,
  operationInputSchema,
  operationResultSchema,
  operationStateSchema,
  planReadySchema,
  planViewSchema,
  supersedeSchema,
  waitPlanSchema,
} from './operation.js';
import { changeSchema } from './change.js';
import { notificationSchema } from './notification.js';
import { logChunkSchema } from './log.js';
import { listStacksSchema, readStackSchema, stackPageSchema, stackViewSchema } from './stack.js';
import { moduleRequestSchema } from './request.js';
import { moduleResponseSchema } from './response.js';
import {
  scheduledRefreshInputSchema,
  scheduledRefreshResultSchema,
  scheduleSettingsSchema,
} from './schedule.js';

/** Schema by file name, what it is for, and which side of it people write. */
const SOURCES: readonly (readonly [string, string, z.ZodType, 'input' | 'output'])[] = [
  ['module-request', 'input.json: what a module image is asked', moduleRequestSchema, 'input'],
  ['module-response', 'output.json: what a module image answers', moduleResponseSchema, 'output'],
  [
    'module-description',
    'module.json: what a module takes and gives',
    moduleDescriptionSchema,
    'output',
  ],
  [
    'entrypoint-event',
    'One line of NDJSON on stdout of a module image',
    entrypointEventSchema,
    'output',
  ],
  ['operation-input', 'Argument of the workflow stackOperation', operationInputSchema, 'input'],
  ['operation-result', 'Result of the workflow stackOperation', operationResultSchema, 'output'],
  ['operation-state', 'Answer of the query state', operationStateSchema, 'output'],
  ['plan-view', 'Answer of the query plan', planViewSchema, 'output'],
  ['decision', 'Argument of the update decide', decisionSchema, 'input'],
  ['decision-result', 'Result of the update decide', decisionResultSchema, 'output'],
  ['kill', 'Argument of the update kill', killSchema, 'input'],
  ['supersede', 'Argument of the update supersede', supersedeSchema, 'input'],
  ['acknowledgement', 'Result of the updates kill and supersede', acknowledgementSchema, 'output'],
  ['wait-plan', 'Argument of the update waitPlan', waitPlanSchema, 'input'],
  ['plan-ready', 'Result of the update waitPlan', planReadySchema, 'output'],
  ['read-stack', 'Argument of the workflow readStack', readStackSchema, 'input'],
  ['stack-view', 'Result of the workflow readStack', stackViewSchema, 'output'],
  ['list-stacks', 'Argument of the workflow listStacks', listStacksSchema, 'input'],
  ['stack-page', 'Result of the workflow listStacks', stackPageSchema, 'output'],
  ['log-chunk', 'One line of a log that is followed over HTTP', logChunkSchema, 'output'],
  [
    'scheduled-refresh-input',
    'Argument of the workflow scheduledRefresh',
    scheduledRefreshInputSchema,
    'input',
  ],
  [
    'scheduled-refresh-result',
    'Result of the workflow scheduledRefresh',
    scheduledRefreshResultSchema,
    'output',
  ],
  ['schedule-settings', "A stack's settings in a schedule file", scheduleSettingsSchema, 'input'],
  ['notification', 'Body of a webhook', notificationSchema, 'output'],
  ['change', 'One change of one resource', changeSchema, 'output'],
  ['failure', 'Why something failed', failureSchema, 'output'],
];

/** A JSON Schema (draft 2020-12) and where it belongs. */
export interface NamedSchema {
  readonly name: string;
  readonly title: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

/** Makes all schemas; any JSON value is written as the schema that allows everything. */
export function jsonSchemas(): NamedSchema[] {
  return SOURCES.map(([name, title, source, io]) => {
    const { $schema, ...schema } = z.toJSONSchema(source, { io, unrepresentable: 'any' }) as Record<
      string,
      unknown
    >;
    return {
      name,
      title,
      schema: { $schema, $id: `urn:cldctl-iac:${name}`, title, ...schema },
    };
  });
}
