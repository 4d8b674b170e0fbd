import { describe, expect, it } from 'vitest';
import { renderPlan, type RenderablePlan } from '../../../cli/render/plan.js';
import { createStyle } from '../../../cli/render/style.js';
import { summarize, type Change } from '../../../src/contract/change.js';
import { parseJson, type Json } from '../../../src/contract/json.js';

const plain = createStyle(false);
const SENSITIVE: Json = { $sensitive: true };
const UNKNOWN: Json = { $unknown: true };

function planOf(changes: Change[], more: Partial<RenderablePlan> = {}): RenderablePlan {
  return {
    summary: summarize(changes, more.outputChanges?.length ?? 0),
    changes,
    changeCount: changes.length,
    outputChanges: [],
    drift: [],
    checks: [],
    notices: [],
    ...more,
  };
}

const text = (plan: RenderablePlan): string => renderPlan(plan, plain).join('\n');

describe('a plan on a terminal', () => {
  it('shows a creation attribute by attribute, with unknown and sensitive values masked', () => {
    const plan = planOf([
      {
        resource: 'module.db["a.b"].docker_container.main[0]',
        action: 'create',
        type: 'docker_container',
        before: null,
        after: {
          name: 'my-db',
          id: UNKNOWN,
          env: SENSITIVE,
          nothing: null,
          ports: [{ internal: 5432, external: UNKNOWN }],
          labels: { 'odd key': 'x' },
        },
      },
    ]);
    expect(text(plan)).toBe(`These changes will be made:
  + create

  # module.db["a.b"].docker_container.main[0] will be created
  + resource "docker_container" "main" {
      + env    = (sensitive value)
      + id     = (known after apply)
      + labels = {
          + "odd key" = "x"
        }
      + name   = "my-db"
      + ports  = [
          + {
              + external = (known after apply)
              + internal = 5432
            },
        ]
    }

Plan: 1 to add, 0 to change, 0 to destroy.`);
  });

  it('shows what forces a replacement, what stays hidden, and counts a replacement on both sides', () => {
    const plan = planOf([
      {
        resource: 'docker_container.db',
        action: 'replace',
        reason: 'replace_because_cannot_update',
        replace_order: 'delete-before-create',
        replace_reasons: ['image', 'ports[0].internal'],
        before: {
          name: 'db',
          image: 'a',
          cpu: 1,
          ports: [{ internal: 1, external: 9 }],
          tags: [1, 2, 3],
        },
        after: {
          name: 'db',
          image: 'b',
          cpu: 1,
          ports: [{ internal: 2, external: 9 }],
          tags: [1, 3, 4],
        },
      },
    ]);
    expect(text(plan)).toBe(`These changes will be made:
-/+ destroy and then create replacement

  # docker_container.db must be replaced
-/+ resource "docker_container" "db" {
      ~ image = "a" -> "b" # forces replacement
        name  = "db"
      ~ ports = [
          ~ {
              ~ internal = 1 -> 2 # forces replacement
                # (1 unchanged attribute hidden)
            },
        ]
      ~ tags  = [
            # (1 unchanged element hidden)
          - 2,
            # (1 unchanged element hidden)
          + 4,
        ]
        # (1 unchanged attribute hidden)
    }

Plan: 1 to add, 0 to change, 1 to destroy (1 replaced).`);
  });

  it('leaves out what is empty where an object comes or goes, and shows it where one changes', () => {
    const gone = planOf([
      { resource: 'a.b', action: 'delete', before: { l: [], m: {}, n: 0, e: '' }, after: null },
    ]);
    expect(text(gone)).toContain('{\n      - e = "" -> null\n      - n = 0 -> null\n    }');
    const changed = planOf([
      { resource: 'a.b', action: 'update', before: { l: [] }, after: { l: null } },
    ]);
    expect(text(changed)).toContain('- l = [] -> null');
  });

  it('tells why something is destroyed, and shows a deposed object as one', () => {
    const plan = planOf([
      {
        resource: 'a.b',
        action: 'delete',
        reason: 'delete-because-no-resource-config',
        before: { x: 1 },
        after: null,
      },
      { resource: 'a.c', action: 'delete', deposed: '9c06165c', before: {}, after: null },
    ]);
    const lines = text(plan);
    expect(lines).toContain(
      '# a.b will be destroyed\n  # (because it is not in the configuration any more)',
    );
    expect(lines).toContain('      - x = 1 -> null');
    expect(lines).toContain('# a.c (deposed object 9c06165c) will be destroyed');
    expect(lines).toContain('Plan: 0 to add, 0 to change, 2 to destroy.');
  });

  it('shows moves, imports and what is forgotten', () => {
    const plan = planOf([
      {
        resource: 'a.new',
        previous_resource: 'a.old',
        action: 'move',
        before: { x: 1 },
        after: { x: 1 },
      },
      {
        resource: 'a.i',
        action: 'import',
        importing: { id: 'id-1' },
        before: { x: 1 },
        after: { x: 1 },
      },
      {
        resource: 'a.u',
        previous_resource: 'a.v',
        action: 'update',
        before: { x: 1 },
        after: { x: 2 },
      },
      { resource: 'a.f', action: 'forget', before: { x: 1 }, after: null },
    ]);
    const lines = text(plan);
    expect(lines).toContain('# a.old has moved to a.new');
    expect(lines).toContain('# a.i will be imported\n  # (imported from "id-1")');
    expect(lines).toContain('# a.u will be updated in place\n  # (moved from a.v)');
    expect(lines).toContain('# a.f will no longer be managed, and not be destroyed');
    expect(lines).toContain(
      'Plan: 1 to import, 0 to add, 1 to change, 0 to destroy, 1 to move, 1 to forget.',
    );
  });

  it('compares strings of many lines line by line', () => {
    const plan = planOf([
      {
        resource: 'a.b',
        action: 'update',
        before: { text: 'one\ntwo\nthree\n' },
        after: { text: 'one\n2\nthree\n' },
      },
    ]);
    expect(text(plan)).toContain(`      ~ text = <<-EOT
            one
          - two
          + 2
            three
        EOT`);
  });

  it('keeps numbers exact and says when a sensitive value changes', () => {
    const plan = planOf([
      {
        resource: 'a.b',
        action: 'update',
        before: parseJson(
          '{"big":9007199254740993,"secret":{"$sensitive":"x"},"same":{"$sensitive":"s"}}',
        ),
        after: parseJson(
          '{"big":9007199254740995,"secret":{"$sensitive":"y"},"same":{"$sensitive":"s"}}',
        ),
      },
    ]);
    const lines = text(plan);
    expect(lines).toContain('~ big    = 9007199254740993 -> 9007199254740995');
    expect(lines).toContain('~ secret = (sensitive value) # changed');
    expect(lines).toContain('# (1 unchanged attribute hidden)');
  });

  it('shows drift before the changes, output changes, checks and notices after them', () => {
    const plan = planOf(
      [{ resource: 'a.b', action: 'update', before: { x: 1 }, after: { x: 2 } }],
      {
        drift: [
          { resource: 'a.b', action: 'update', before: { x: 2 }, after: { x: 1 } },
          { resource: 'a.c', action: 'delete', before: { x: 2 }, after: null },
        ],
        outputChanges: [
          { name: 'url', action: 'create', after: SENSITIVE },
          { name: 'port', action: 'update', before: 1, after: 2 },
          { name: 'gone', action: 'delete', before: 'x' },
        ],
        checks: [{ address: 'check.health', status: 'fail', messages: ['it is not healthy'] }],
        notices: ['the backend block is overridden'],
      },
    );
    const lines = text(plan);
    const places = [
      'a.b has changed',
      'a.c has been deleted',
      'These changes will be made:',
      '+ url  = (sensitive value)',
      '~ port = 1 -> 2',
      '- gone = "x" -> null',
      'Check: check.health did not pass',
      'it is not healthy',
      'Plan: 0 to add, 1 to change, 0 to destroy, 3 outputs to change.',
      'notice: the backend block is overridden',
    ].map((part) => lines.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('counts drift that a refresh would accept, also what is not shown', () => {
    const drift: Change[] = [
      { resource: 'a.b', action: 'update', before: { x: 1 }, after: { x: 2 } },
    ];
    const refresh = { operation: 'refresh', drift } as const;
    expect(text(planOf([], refresh))).toContain('Plan: 1 drifted object to accept into the state.');
    const many = { ...summarize([], 0), update: 300 };
    const cut = text(planOf([], { ...refresh, driftSummary: many }));
    expect(cut).toContain('… and 299 more that are not shown here');
    expect(cut).toContain('Plan: 300 drifted objects to accept');
    expect(text(planOf([], { operation: 'refresh' }))).toContain('No drift.');
  });

  it('says that there is nothing to do, and how many changes are not shown', () => {
    expect(text(planOf([]))).toBe('No changes. What is there matches the configuration.');
    const one: Change = { resource: 'a.b', action: 'create', before: null, after: {} };
    expect(text(planOf([one], { changeCount: 301 }))).toContain('… and 300 more changes');
  });

  it('names Pulumi resources by type and name', () => {
    const plan = planOf([
      {
        resource: 'urn:pulumi:dev::shop::my:mod:Group$aws:s3/bucket:Bucket::logs',
        action: 'create',
        before: null,
        after: { acl: 'private' },
      },
    ]);
    expect(text(plan)).toContain('+ resource "aws:s3/bucket:Bucket" "logs" {');
  });

  it('never lets a module write control characters to the terminal', () => {
    const plan = planOf([
      {
        resource: 'a.b["\u001b[2J"]',
        action: 'create',
        before: null,
        after: { x: '\u001b]0;t\u0007', y: 'a\nb\u001b[31m\nc\n' },
      },
    ]);

    expect(text(plan)).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });

  it('paints marks when colour is on', () => {
    const lines = renderPlan(
      planOf([{ resource: 'a.b', action: 'update', before: { x: 1 }, after: { x: 2 } }]),
      createStyle(true),
    ).join('\n');
    expect(lines).toContain('\u001b[33m~\u001b[39m');
  });

  it('handles long lists without an alignment table of their product', () => {
    const long = (extra: number): number[] => [...Array.from({ length: 2000 }, (_, i) => i), extra];
    const lines = text(
      planOf([
        { resource: 'a.b', action: 'update', before: { l: long(1) }, after: { l: long(2) } },
      ]),
    );
    expect(lines).toContain('# (2000 unchanged elements hidden)');
    expect(lines).toContain('~ 1 -> 2,');
  });
});

it('a plan after a lost run begins with what that run is known to have done', () => {
  const receipt = {
    done: 1,
    failed: 1,
    not_reached: 0,
    unapproved: 0,
    entries: [
      { resource: 'x.b', action: 'create' as const, status: 'failed' as const, detail: 'it began' },
      { resource: 'x.a', action: 'create' as const, status: 'done' as const },
    ],
  };
  const lines = renderPlan(
    planOf([], {
      lostRun: {
        planDigest: `sha256:${'1'.repeat(64)}`,
        attempt: 1,
        operation: 'apply',
        workflowId: 'stack:s',
        runId: 'r',
        at: '2026-01-01T00:00:00.000Z',
        message: 'it was lost',
        receipt,
        open: [{ resource: 'x.b', operation: 'create' }],
        untracked: ['x.a'],
      },
    }),
    plain,
  );
  expect(lines.slice(0, 7).join('\n')).toBe(`Lost: the apply of 2026-01-01T00:00:00.000Z
  it was lost
  Receipt: 1 done, 1 failed
    FAILED       create  x.b: it began
    done         create  x.a
  there or not create x.b
  not in the state x.a: it was made, and would be made again`);
});
