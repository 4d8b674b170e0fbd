/** Time spans of the contract (`90s`, `15m`, `24h`, `7d`) as milliseconds. */
const UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of a duration that `durationSchema` accepted; throws `TypeError` for anything else. */
export function milliseconds(duration: string): number {
  const match = /^(\d+)(ms|s|m|h|d)$/.exec(duration);
  const factor = UNIT[match?.[2] ?? ''];
  if (match === null || factor === undefined) throw new TypeError(`not a duration: ${duration}`);
  return Number(match[1]) * factor;
}
