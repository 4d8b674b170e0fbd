/** `/cldctl/module.json` in an image: what the module takes and gives, written when the image is built. */
import * as z from 'zod';
import { jsonSchema } from './change.js';
import { recordOf } from './record-of.js';

export const engineSchema = z.enum(['opentofu', 'pulumi']);
export type Engine = z.infer<typeof engineSchema>;
export const runtimeSchema = z.enum(['nodejs', 'python', 'go', 'yaml']);
export type Runtime = z.infer<typeof runtimeSchema>;

export const moduleVariableSchema = z.object({
  /** Type as the engine writes it: a name, or OpenTofu's JSON type constraint. */
  type: jsonSchema.optional(),
  description: z.string().optional(),
  required: z.boolean(),
  default: jsonSchema.optional(),
  sensitive: z.boolean().optional(),
  ephemeral: z.boolean().optional(),
});

export const moduleDescriptionSchema = z.object({
  engine: engineSchema,
  runtime: runtimeSchema.optional(),
  /** Pulumi project name. */
  project: z.string().optional(),
  variables: recordOf(moduleVariableSchema),
  outputs: recordOf(
    z.object({ sensitive: z.boolean().optional(), description: z.string().optional() }),
  ),
  /** Pulumi plugins in the image: a run installs none. `sha256` is that of the plugin's executable, in hex. */
  plugins: z
    .array(z.object({ name: z.string(), version: z.string(), sha256: z.string() }))
    .optional(),
  notices: z.array(z.string()).optional(),
});
export type ModuleDescription = z.infer<typeof moduleDescriptionSchema>;

/** Where the description is in an image. */
export const MODULE_DESCRIPTION_PATH = '/cldctl/module.json';
