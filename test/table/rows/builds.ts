/** Modules that can't become an image: the build says why, in the tool's words, with the place. */
import type { Files } from '../row.js';

export interface BuildRow {
  readonly name: string;
  readonly files: Files;
  /** What the end of the build's log says. */
  readonly says: readonly RegExp[];
}

export const buildRows: readonly BuildRow[] = [
  {
    name: 'a file that is no HCL',
    files: { 'main.tf': 'resource "terraform_data" "a" {\n  input = "x"\n' },
    says: [/Unclosed configuration block/, /main\.tf line 1/],
  },
  {
    name: 'a reference to nothing, in a child module',
    files: {
      'main.tf': 'module "child" {\n  source = "./child"\n}\n',
      'child/main.tf': 'output "v" {\n  value = terraform_data.none.id\n}\n',
    },
    says: [/Reference to undeclared resource/, /child\/main\.tf line 2/],
  },
  // OpenTofu 1.12 takes a `required_version` in a .tf file for Terraform's and does not look at it.
  {
    name: 'another version of the tool is required, in a .tofu file',
    files: { 'main.tofu': 'terraform {\n  required_version = ">= 2.0"\n}\n' },
    says: [/Incompatible module/, /main\.tofu line 2/],
  },
  {
    name: 'another version of the tool is required, by the language block',
    files: {
      'main.tf': 'language {\n  compatible_with {\n    opentofu = ">= 2.0"\n  }\n}\n',
    },
    says: [/Incompatible module/, /main\.tf line 3/],
  },
  {
    name: 'a child module that is not there',
    files: { 'main.tf': 'module "child" {\n  source = "./none"\n}\n' },
    says: [/Unreadable module directory|no such file/],
  },
  {
    name: 'an override file that would win against the state the request names',
    files: {
      'main.tf': 'resource "terraform_data" "a" {\n}\n',
      'zzzz_override.tf.json': '{"terraform": [{"backend": {"local": {"path": "elsewhere"}}}]}',
    },
    says: [/override file/, /rename it/],
  },
  {
    name: 'a provider that no mirror has',
    files: { 'main.tf': 'resource "nobodys_thing" "a" {\n}\n' },
    says: [/hashicorp\/nobodys/, /not\s+found/],
  },
];
