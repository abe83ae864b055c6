import { err, ok, type Result } from "../../../api/result.ts";
import { FieldReader, FieldWriter } from "./fields.ts";

/** Versions of the protocol that this program speaks. */
export const VERSIONS = { oldest: 1, newest: 1 } as const;

/** "ISTP": what is no tunnel is told apart at once. */
const MAGIC = 0x49_53_54_50;

/** First frame of each side. */
export interface Hello {
  readonly oldestVersion: number;
  readonly newestVersion: number;
  /** Bytes that may be sent on a new stream before any credit is given. */
  readonly windowBytes: number;
  /** Streams that the receiver of this may have open at once. */
  readonly streamsMax: number;
  /** Drawn per process, so that the two ends of a tunnel to oneself are told apart from another replica. */
  readonly instance: number;
}

export function encodeHello(hello: Hello): Uint8Array {
  return new FieldWriter()
    .uint32(MAGIC)
    .uint8(hello.oldestVersion)
    .uint8(hello.newestVersion)
    .uint32(hello.windowBytes)
    .uint32(hello.streamsMax)
    .uint32(hello.instance)
    .finish();
}

/** Error: not this protocol, or no version in common. What follows the known fields is passed over. */
export function decodeHello(payload: Uint8Array): Result<Hello, string> {
  const reader = new FieldReader(payload);
  const magic = reader.uint32();
  const oldestVersion = reader.uint8();
  const newestVersion = reader.uint8();
  const windowBytes = reader.uint32();
  const streamsMax = reader.uint32();
  const instance = reader.uint32();
  if (reader.failed) return err(`hello frame: ${reader.failed}`);
  if (magic !== MAGIC) return err("hello frame: must begin with ISTP: it does not");
  if (oldestVersion > VERSIONS.newest || newestVersion < VERSIONS.oldest) {
    return err(
      `hello frame: must share a version with ${VERSIONS.oldest} to ${VERSIONS.newest}: got ${oldestVersion} to ${newestVersion}`,
    );
  }
  return ok({ oldestVersion, newestVersion, windowBytes, streamsMax, instance });
}
