/** Payloads as JSON whose numbers are exact; worker, clients and workflow code all use this one. */
import {
  BinaryPayloadConverter,
  CompositePayloadConverter,
  METADATA_ENCODING_KEY,
  UndefinedPayloadConverter,
  type Payload,
  type PayloadConverterWithEncoding,
} from '@temporalio/common';
import { decode, encode } from '@temporalio/common/lib/encoding.js';
import { parseJson, stringifyJson } from '../contract/json.js';

const JSON_PLAIN = 'json/plain';

/** `json/plain` that keeps numbers which a double can't hold as `LosslessNumber`, digit for digit. */
class LosslessJsonPayloadConverter implements PayloadConverterWithEncoding {
  readonly encodingType = JSON_PLAIN;

  toPayload<T>(value: T): Payload | undefined {
    if (value === undefined) return undefined;
    return {
      metadata: { [METADATA_ENCODING_KEY]: encode(JSON_PLAIN) },
      data: encode(stringifyJson(value)),
    };
  }

  fromPayload<T>(payload: Payload): T {
    return parseJson(decode(payload.data ?? new Uint8Array())) as T;
  }
}

/** Named export that the SDK looks for. */
export const payloadConverter = new CompositePayloadConverter(
  new UndefinedPayloadConverter(),
  new BinaryPayloadConverter(),
  new LosslessJsonPayloadConverter(),
);
