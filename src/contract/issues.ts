/** What is wrong with a value, one line per mistake, as people read it. */
import type * as z from 'zod';

type Issue = z.core.$ZodIssue;

/** `path: message` for each issue; of a union, what each of its forms says. */
export function issueLines(error: { readonly issues: readonly Issue[] }): string[] {
  return error.issues.map((issue) => {
    const path = issue.path.map(String).join('.');
    return path === '' ? messageOf(issue) : `${path}: ${messageOf(issue)}`;
  });
}

function messageOf(issue: Issue): string {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue.message;
  // A form whose every member is wrong says the least: the nearest ones come first.
  const forms = [...issue.errors].sort((a, b) => a.length - b.length);
  const lines = forms.map((issues) => issueLines({ issues }).join(', '));
  return [...new Set(lines)].join(', or ');
}
