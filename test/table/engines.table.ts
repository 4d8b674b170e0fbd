/**
 * One module in OpenTofu and in every Pulumi runtime: two things outside, a secret, a value that forces a replacement. What the engines
 * answer to the same requests has to be the same.
 */
import type { Runtime } from '../../src/contract/module-schema.js';
import { outside, type Files } from './row.js';

export type EngineName = 'opentofu' | Runtime;

/** Inputs: `value` (default "one"), `frozen` (default "x"), `with_b` (default true), `token` (required, secret). */
export const MODULES: Readonly<Record<EngineName, Files>> = {
  opentofu: outside(`
variable "value" {
  type    = string
  default = "one"
}
variable "frozen" {
  type    = string
  default = "x"
}
variable "with_b" {
  type    = bool
  default = true
}
variable "token" {
  type      = string
  sensitive = true
}
resource "outside_thing" "a" {
  name   = "a"
  value  = var.value
  frozen = var.frozen
  secret = var.token
}
resource "outside_thing" "b" {
  for_each = var.with_b ? toset(["b"]) : toset([])
  name     = "b"
  value    = var.value
}
output "value" {
  value = var.value
}
output "size" {
  value = 3
}
output "list" {
  value = ["x", "1", "-2"]
}
output "token" {
  value     = var.token
  sensitive = true
}
`),
  yaml: { 'Pulumi.yaml': yamlProgram({ withB: true }) },
  nodejs: {
    'Pulumi.yaml': project('nodejs'),
    'index.js': `import * as pulumi from '@pulumi/pulumi';
const config = new pulumi.Config();
const thing = (name, properties) => new pulumi.CustomResource('outside:index:Thing', name, properties);
const value = config.require('value');
thing('a', { name: 'a', value, frozen: config.require('frozen'), secret: config.requireSecret('token') });
if (config.requireBoolean('with_b')) thing('b', { name: 'b', value });
export { value };
export const size = 3;
export const list = ['x', '1', '-2'];
export const token = config.requireSecret('token');
`,
  },
  python: {
    'Pulumi.yaml': project('python'),
    'requirements.txt': 'pulumi==3.259.0\n',
    '__main__.py': `import pulumi

config = pulumi.Config()
value = config.require("value")


def thing(name, **properties):
    pulumi.CustomResource("outside:index:Thing", name, {"name": name, **properties})


thing("a", value=value, frozen=config.require("frozen"), secret=config.require_secret("token"))
if config.require_bool("with_b"):
    thing("b", value=value)
pulumi.export("value", value)
pulumi.export("size", 3)
pulumi.export("list", ["x", "1", "-2"])
pulumi.export("token", config.require_secret("token"))
`,
  },
  go: {
    'Pulumi.yaml': project('go'),
    'main.go': `package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		settings := config.New(ctx, "")
		value := pulumi.String(settings.Require("value"))
		thing := func(name string, properties pulumi.Map) error {
			var resource pulumi.CustomResourceState
			properties["name"] = pulumi.String(name)
			return ctx.RegisterResource("outside:index:Thing", name, properties, &resource)
		}
		token := settings.RequireSecret("token")
		frozen := pulumi.String(settings.Require("frozen"))
		if err := thing("a", pulumi.Map{"value": value, "frozen": frozen, "secret": token}); err != nil {
			return err
		}
		if settings.RequireBool("with_b") {
			if err := thing("b", pulumi.Map{"value": value}); err != nil {
				return err
			}
		}
		ctx.Export("value", value)
		ctx.Export("size", pulumi.Int(3))
		ctx.Export("list", pulumi.ToStringArray([]string{"x", "1", "-2"}))
		ctx.Export("token", token)
		return nil
	})
}
`,
  },
};

/** Modules that are another one where `with_b` is false: a yaml program has no conditions. */
export const WITHOUT_B: Readonly<Partial<Record<EngineName, Files>>> = {
  yaml: { 'Pulumi.yaml': yamlProgram({ withB: false }) },
};

function yamlProgram({ withB }: { withB: boolean }): string {
  const b = `
  b:
    type: outside:index:Thing
    properties: {name: b, value: "\${value}"}`;
  return `${project('yaml')}
resources:
  a:
    type: outside:index:Thing
    properties: {name: a, value: "\${value}", frozen: "\${frozen}", secret: "\${token}"}${withB ? b : ''}
outputs:
  value: \${value}
  size: 3
  list: ["x", "1", "-2"]
  token: \${token}
`;
}

function project(runtime: Runtime): string {
  return `name: table
runtime: ${runtime}
config:
  value: {type: string, default: one}
  frozen: {type: string, default: x}
  with_b: {type: boolean, default: true}
  token: {type: string, secret: true}
`;
}
