import type { Finding } from './finding.js';

const oldest = [20, 20] as const;

/** Node itself. */
export async function* checkNode(): AsyncGenerator<Finding> {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const recent = major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
  yield recent
    ? { subject: 'Node.js', status: 'ok', found: process.versions.node }
    : {
        subject: 'Node.js',
        status: 'missing',
        found: process.versions.node,
        remedy: `install Node ${oldest.join('.')} or newer`,
      };
}
