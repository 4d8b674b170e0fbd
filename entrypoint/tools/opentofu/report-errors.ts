import type { ToolContext } from '../tool.js';
import { errorsOf, type TofuEnd } from './tofu.js';

/** Puts the errors of a command into the log, from their data: the tool's own text can hold what the data hides. */
export function reportErrors(
  { events, redactor }: Pick<ToolContext, 'events' | 'redactor'>,
  end: TofuEnd,
): void {
  const errors = errorsOf(end);
  const lines =
    errors.length === 0 && end.exitCode !== 0
      ? [end.errorText]
      : errors.map(({ summary, detail, file, line, resource, snippet }) =>
          [
            `Error: ${summary}`,
            ...(file === undefined
              ? []
              : [
                  `  on ${file} line ${line ?? 1}${resource === undefined ? '' : `, in ${resource}`}`,
                ]),
            ...(snippet === undefined ? [] : [`    ${snippet}`]),
            ...(detail === undefined ? [] : [detail]),
          ].join('\n'),
        );
  for (const text of lines)
    for (const message of redactor.text(text).split('\n'))
      if (message !== '') events.emit({ type: 'log', stream: 'stderr', message });
}
