import { createHash } from "node:crypto";
import {
  Audience,
  Endpoint,
  Endpoints,
  Export,
  Port,
  Row,
} from "../../../api/broker/broker.gen.ts";

/** What reads a row's messages: their source names each field that is known. */
const READERS = [Row, Audience, Export, Endpoints, Endpoint, Port];

let fingerprint: Uint8Array | undefined;

/**
 * Tells versions of this software apart that read other things out of the same rows: fields and kinds that one does not know
 * are skipped, so what it kept may be less than what it was sent.
 */
export function schemaFingerprint(): Uint8Array {
  if (fingerprint === undefined) {
    const hash = createHash("sha256");
    for (const reader of READERS) hash.update(reader.decode.toString());
    fingerprint = hash.digest();
  }
  return fingerprint;
}
