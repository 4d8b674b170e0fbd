/** Bytes as people read them: `999 B`, `1.2 kB`, `43 MB`, `1.3 GB`; rounded up, so that nothing is 0 but nothing. */
export function readableSize(bytes: number): string {
  const unit = UNITS.find(({ from }) => bytes >= from);
  if (unit === undefined) return `${bytes} B`;
  const amount = bytes / unit.from;
  return `${amount < 10 ? (Math.ceil(amount * 10) / 10).toFixed(1) : Math.ceil(amount)} ${unit.name}`;
}

const UNITS = [
  { from: 1e9, name: 'GB' },
  { from: 1e6, name: 'MB' },
  { from: 1e3, name: 'kB' },
];
