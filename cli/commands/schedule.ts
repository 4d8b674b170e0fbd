/** `schedule`: drift checks that come by themselves. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import type { ScheduleView } from '../../src/client/index.js';
import { onDriftSchema, type ScheduleSettingsInput } from '../../src/contract/schedule.js';
import { CodedError } from '../../src/errors.js';
import type { RegisterCommand, Run } from '../program.js';
import { renderTable } from '../render/table.js';
import { parseScheduleFile } from '../schedule-file.js';
import { whoTypes, withClient } from '../with-client.js';

export const registerSchedule: RegisterCommand = (program, run) => {
  const schedule = program.command('schedule').description('drift checks that come by themselves');
  registerSet(schedule, run);
  registerList(schedule, run);
  registerShow(schedule, run);
  registerPause(schedule, run);
  registerResume(schedule, run);
  registerTrigger(schedule, run);
  registerDelete(schedule, run);
  registerSync(schedule, run);
};

interface SetFlags {
  every?: string;
  cron?: string[];
  timezone?: string;
  jitter?: string;
  onDrift?: ScheduleSettingsInput['onDrift'];
  approval?: 'required' | 'auto' | 'on-changes';
  note?: string;
}

function registerSet(schedule: Command, run: Run): void {
  schedule
    .command('set <stack>')
    .description("make a stack's schedule, or change it")
    .option('--every <duration>', 'check this often, e.g. 1h; stacks are spread over it')
    .option('--cron <expression...>', 'check at these times, e.g. "0 3 * * *"')
    .option('--timezone <name>', 'time zone of --cron, e.g. Europe/Berlin (default UTC)')
    .option('--jitter <duration>', 'delay each check by up to this, at random')
    .addOption(
      new Option(
        '--on-drift <rule>',
        'report it, start a refresh that accepts it, or an apply that restores',
      )
        .choices(onDriftSchema.options)
        .default('report'),
    )
    .addOption(
      new Option('--approval <mode>', 'of the operation that drift starts').choices([
        'required',
        'on-changes',
        'auto',
      ]),
    )
    .option('--note <text>', 'what it is for')
    .addHelpText(
      'after',
      `
A check takes no lock and never waits: it looks while other operations run. The same drift is reported once.

Examples:
  cldctl-iac schedule set shop-eu --every 1h
  cldctl-iac schedule set shop-eu --cron "0 3 * * MON-FRI" --timezone Europe/Berlin --on-drift restore`,
    )
    .action(
      run(async (context, stack: string, flags: SetFlags) => {
        const { approval, ...rest } = flags;
        const settings = {
          ...rest,
          ...(approval === undefined ? {} : { approval: { mode: approval } }),
        };
        await withClient(context, async (client) => {
          const view = await client.schedules.set(stack, settings);
          context.terminal.print(...showLines(view));
          context.terminal.document(view);
        });
      }),
    );
}

function registerList(schedule: Command, run: Run): void {
  schedule
    .command('list')
    .description('list schedules with their next and last check')
    .addHelpText(
      'after',
      `
With --json: NDJSON, one schedule a line.

Examples:
  cldctl-iac schedule list
  cldctl-iac schedule list --json`,
    )
    .action(
      run(async (context) => {
        const { terminal } = context;
        await withClient(context, async (client) => {
          const views: ScheduleView[] = [];
          for await (const view of client.schedules.list()) {
            terminal.document(view);
            views.push(view);
          }
          views.sort((a, b) => (a.stackId < b.stackId ? -1 : 1));
          if (views.length === 0) terminal.print('no schedules');
          else
            terminal.print(
              ...renderTable(
                ['STACK', 'WHEN', 'ON DRIFT', 'NEXT', 'LAST', 'OUTCOME'],
                views.map((view) => [
                  view.stackId,
                  view.when,
                  view.settings.onDrift,
                  view.paused ? 'paused' : time(view.next),
                  time(view.last?.at),
                  outcome(view),
                ]),
                terminal.style,
              ),
            );
        });
      }),
    );
}

function registerShow(schedule: Command, run: Run): void {
  schedule
    .command('show <stack>')
    .description("a stack's schedule: settings, next and last check, counts")
    .addHelpText('after', '\nExamples:\n  cldctl-iac schedule show shop-eu')
    .action(
      run(async (context, stack: string) =>
        withClient(context, async (client) => {
          const view = await client.schedules.show(stack);
          context.terminal.print(...showLines(view));
          context.terminal.document(view);
        }),
      ),
    );
}

function registerPause(schedule: Command, run: Run): void {
  schedule
    .command('pause <stack>')
    .description('stop the checks until resume')
    .addHelpText('after', '\nExamples:\n  cldctl-iac schedule pause shop-eu --note migration')
    .option('--note <text>', 'why')
    .action(
      run(async (context, stack: string, { note }: { note?: string }) =>
        withClient(context, async (client) => {
          await client.schedules.pause(stack, `${note ?? 'paused'} (${whoTypes()})`);
          done(context, `checks of ${stack} are paused`, { stackId: stack, paused: true });
        }),
      ),
    );
}

function registerResume(schedule: Command, run: Run): void {
  schedule
    .command('resume <stack>')
    .description('let the checks come again')
    .addHelpText('after', '\nExamples:\n  cldctl-iac schedule resume shop-eu')
    .action(
      run(async (context, stack: string) =>
        withClient(context, async (client) => {
          await client.schedules.resume(stack, `resumed (${whoTypes()})`);
          done(context, `checks of ${stack} come again`, { stackId: stack, paused: false });
        }),
      ),
    );
}

function registerTrigger(schedule: Command, run: Run): void {
  schedule
    .command('trigger <stack>')
    .description('check now, also while paused; not while a check runs')
    .addHelpText('after', '\nExamples:\n  cldctl-iac schedule trigger shop-eu')
    .action(
      run(async (context, stack: string) =>
        withClient(context, async (client) => {
          await client.schedules.trigger(stack);
          done(context, `a check of ${stack} was asked for: cldctl-iac schedule show ${stack}`, {
            stackId: stack,
            triggered: true,
          });
        }),
      ),
    );
}

function registerDelete(schedule: Command, run: Run): void {
  schedule
    .command('delete <stack>')
    .description("end a stack's schedule")
    .addHelpText('after', '\nExamples:\n  cldctl-iac schedule delete shop-eu')
    .action(
      run(async (context, stack: string) =>
        withClient(context, async (client) => {
          await client.schedules.delete(stack);
          done(context, `${stack} has no schedule any more`, { stackId: stack, deleted: true });
        }),
      ),
    );
}

function registerSync(schedule: Command, run: Run): void {
  schedule
    .command('sync <file>')
    .description('make the schedules be those of a YAML or JSON file')
    .option('--prune', 'delete the schedules of stacks that the file does not name')
    .option('--dry-run', 'only tell what would be done')
    .addHelpText(
      'after',
      `
The file:
  stacks:
    shop-eu: {every: 1h}
    shop-us: {cron: "0 3 * * *", timezone: America/New_York, onDrift: restore}

Examples:
  cldctl-iac schedule sync schedules.yaml --dry-run
  cldctl-iac schedule sync schedules.yaml --prune`,
    )
    .action(
      run(async (context, file: string, flags: { prune?: boolean; dryRun?: boolean }) => {
        const text = await readFile(resolve(context.cwd, file), 'utf8').catch((error: unknown) => {
          throw new CodedError(
            'InvalidInput',
            `${file} can't be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
          );
        });
        const wanted = parseScheduleFile(text, file);
        await withClient(context, async (client) => {
          const result = await client.schedules.sync(wanted, flags);
          const verb = flags.dryRun === true ? 'would be ' : '';
          const lines = (['created', 'updated', 'deleted'] as const).flatMap((what) =>
            result[what].map((stackId) => `${verb}${what}  ${stackId}`),
          );
          context.terminal.print(...lines, `${result.unchanged.length} unchanged`);
          context.terminal.document(result);
        });
      }),
    );
}

function showLines(view: ScheduleView): string[] {
  const { stackId, when, settings, paused, note, next, running, last, counts } = view;
  const rows: [string, string | undefined][] = [
    ['Stack', stackId],
    ['When', `${when}${settings.jitter === undefined ? '' : `, up to ${settings.jitter} later`}`],
    ['On drift', settings.onDrift],
    ['Next', paused ? 'paused' : time(next)],
    ['Running', running && (running.uiUrl ?? running.workflowId)],
    ['Last', last === undefined ? 'none yet' : `${time(last.at)}  ${outcome(view)}`],
    ['Run', last?.uiUrl ?? last?.workflowId],
    ['Checks', `${counts.started} started, ${counts.skipped} skipped, ${counts.missed} missed`],
    ['Note', note],
  ];
  return rows.flatMap(([name, value]) =>
    value === undefined ? [] : [`${name.padEnd(9)}${value}`],
  );
}

function outcome({ last }: ScheduleView): string {
  if (last === undefined) return '';
  const drift = last.hasDrift === true ? ', drift' : '';
  return `${last.outcome ?? 'forgotten'}${drift}`;
}

function time(date: Date | undefined): string {
  return date === undefined ? '' : date.toISOString().slice(0, 19).replace('T', ' ');
}

function done(
  { terminal }: { terminal: { print(...lines: string[]): void; document(value: object): void } },
  line: string,
  value: object,
): void {
  terminal.print(line);
  terminal.document(value);
}
