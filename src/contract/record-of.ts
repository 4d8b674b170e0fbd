/** Objects whose names are people's: `z.record` drops a member named `__proto__`, these keep it. */
import * as z from 'zod';

const PROTO = '__proto__';

interface AnyRecord extends z.ZodRecord {
  _zod: z.core.$ZodRecordInternals<z.core.$ZodRecordKey, z.core.$ZodType>;
}

const plainRecord: z.core.$constructor<z.ZodRecord> = z.ZodRecord;

/** A record that checks `__proto__` as any other member; as a schema it is written as a record. */
const KeepingRecord = z.core.$constructor<AnyRecord>('KeepingRecord', (inst, def) => {
  plainRecord.init(inst, def);
  const parseOthers = inst._zod.parse;
  inst._zod.parse = (payload, context) => {
    const given = payload.value;
    const parsed = sync(parseOthers(payload, context));
    // What is no plain object was refused, and is still what was given.
    if (parsed.value === given || !Object.hasOwn(given as object, PROTO)) return parsed;
    const name = sync(def.keyType._zod.run({ value: PROTO, issues: [] }, context));
    const member = sync(
      def.valueType._zod.run(
        { value: (given as { __proto__: unknown }).__proto__, issues: [] },
        context,
      ),
    );
    for (const issue of [...name.issues, ...member.issues])
      parsed.issues.push({ ...issue, path: [PROTO, ...(issue.path ?? [])] });
    const others = parsed.value as Readonly<Record<string, unknown>>;
    parsed.value = Object.fromEntries(
      Object.keys(given as object).map((key) => [key, key === PROTO ? member.value : others[key]]),
    );
    return parsed;
  };
});

/** `z.record` for names that people choose: none of them is lost, `__proto__` neither. */
export function recordOf<Value extends z.ZodType>(
  value: Value,
  name: z.ZodString = z.string(),
): z.ZodRecord<z.ZodString, Value> {
  return new KeepingRecord({
    type: 'record',
    keyType: name,
    valueType: value,
  }) as unknown as z.ZodRecord<z.ZodString, Value>;
}

/** Nothing of the contract is checked asynchronously. */
function sync<Result>(result: Result | Promise<Result>): Result {
  if (result instanceof Promise) throw new z.core.$ZodAsyncError();
  return result;
}
