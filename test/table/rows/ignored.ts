/** What `.dockerignore` keeps out of an image, and what stays out whatever it says. */
import type { Files } from '../row.js';

export interface IgnoreRow {
  readonly name: string;
  /** Lines of `.dockerignore`. */
  readonly ignore: readonly string[];
  /** Files beside `main.tf`; a text that ends in a key's header is one. */
  readonly files: readonly string[] | Files;
  /** Those of them that are in the image; absent: what the plain `docker build` copies. */
  readonly image?: readonly string[];
  /** Parts of the warnings, in any order. */
  readonly warnings?: readonly string[];
}

const KEY = '-----BEGIN PRIVATE KEY-----\n';

/** Compared with what `COPY . .` of the plain docker command copies. */
export const ignoreRows: readonly IgnoreRow[] = [
  {
    name: 'names, wildcards, folders, comments and white space',
    ignore: [
      '# a comment',
      '',
      'notes.txt',
      '  spaced.txt  ',
      '/rooted.txt',
      './dotted.txt',
      'docs/',
      '*.md',
      'te?t.txt',
      'tes[tx].log',
      '*/only-one-deep.txt',
      'a/../cleaned.txt',
      'README.TXT',
      '\\#escaped',
    ],
    files: [
      'notes.txt',
      'sub/notes.txt',
      'spaced.txt',
      'rooted.txt',
      'sub/rooted.txt',
      'dotted.txt',
      'docs/a.txt',
      'docs/deep/b.txt',
      'sub/docs/a.txt',
      'top.md',
      'sub/top.md',
      'test.txt',
      'teest.txt',
      'tesx.log',
      'tesy.log',
      'only-one-deep.txt',
      'sub/only-one-deep.txt',
      'sub/sub/only-one-deep.txt',
      'cleaned.txt',
      'readme.txt',
      '#escaped',
      'gruß.txt',
    ],
  },
  {
    name: 'negation: the last line that matches counts, also below a folder that is left out',
    ignore: [
      'docs',
      '!docs/kept.md',
      'docs/kept.md.bak',
      '*.log',
      '!important.log',
      'important.log',
      '!sub/*.log',
      'sub/worst.log',
    ],
    files: [
      'docs/a.md',
      'docs/kept.md',
      'docs/kept.md.bak',
      'a.log',
      'important.log',
      'sub/a.log',
      'sub/worst.log',
    ],
  },
  {
    name: 'everything but what is named',
    ignore: ['*', '!main.tf', '!modules', 'modules/**/*.txt', '!templates/**'],
    files: [
      'extra.tf',
      'modules/net/main.tf',
      'modules/net/notes.txt',
      'templates/a/b.tpl',
      'other/x.tf',
    ],
  },
  {
    name: '** over any number of folders',
    ignore: ['**/cache', '**/*.tmp', 'deep/**/end.txt', '**/a/b.txt', 'all/**', '!**/keep.tmp'],
    files: [
      'cache/x',
      'sub/cache/x',
      'sub/sub/cache/y/z',
      'sub/cached.txt',
      'a.tmp',
      'sub/sub/b.tmp',
      'sub/keep.tmp',
      'deep/end.txt',
      'deep/one/end.txt',
      'deep/one/two/end.txt',
      'deep/one/end.txt.not',
      'a/b.txt',
      'sub/a/b.txt',
      'sub/xa/b.txt',
      'all/x/y',
      'all/z',
      'small/z',
    ],
  },
];

/** Here the plain command would copy more. */
export const defaultRows: readonly IgnoreRow[] = [
  {
    name: 'history, tool folders, state and credentials stay out beside lines of one’s own',
    ignore: ['*.md', 'vendor'],
    files: {
      'a.md': '',
      'vendor/x.tf': '',
      '.git/HEAD': 'ref: refs/heads/main',
      '.terraform/providers/x': '',
      'child/.terraform/x': '',
      'terraform.tfstate': '{}',
      'terraform.tfstate.backup': '{}',
      'terraform.tfstate.d/dev/terraform.tfstate': '{}',
      '.env': 'TOKEN=x',
      'server.key': KEY,
      'ca.pem': '-----BEGIN CERTIFICATE-----\n',
      'child/main.tf': '',
    },
    image: ['ca.pem', 'child/main.tf'],
    warnings: [
      'terraform.tfstate is left out',
      'terraform.tfstate.backup is left out',
      'terraform.tfstate.d/dev/terraform.tfstate is left out',
      '.env is left out',
      'server.key is left out',
    ],
  },
  {
    name: 'they stay out of folders that are taken in as a whole',
    ignore: ['*', '!main.tf', '!child', '!other/**', '!**/*', '!.git', '!.terraform'],
    files: {
      '.git/HEAD': 'ref: refs/heads/main',
      '.terraform/x': '',
      'child/main.tf': '',
      'child/prod.tfstate': '{}',
      'child/credentials': '[default]',
      'other/main.tf': '',
      'other/.env': 'TOKEN=x',
      'other/deep/id_rsa': KEY,
    },
    image: ['child/main.tf', 'other/main.tf'],
    warnings: [
      'child/prod.tfstate is left out',
      'child/credentials is left out',
      'other/.env is left out',
      'other/deep/id_rsa is left out',
    ],
  },
  {
    name: 'a line that names such a file takes it in, without a warning; one that leaves it out needs none',
    ignore: ['!fixtures/*.tfstate', '!certificates/test.key', '.env', 'keys/*.key'],
    files: {
      'fixtures/a.tfstate': '{}',
      'fixtures/deep/a.tfstate': '{}',
      'certificates/test.key': KEY,
      'certificates/other.key': KEY,
      '.env': 'TOKEN=x',
      'keys/a.key': KEY,
    },
    image: ['certificates/test.key', 'fixtures/a.tfstate'],
    warnings: ['certificates/other.key is left out', 'fixtures/deep/a.tfstate is left out'],
  },
];
