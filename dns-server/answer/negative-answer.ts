import { HEADER_BYTES, MESSAGE_BYTES_MAX, TYPE } from "../wire/dns-numbers.ts";
import { MessageWriter } from "../wire/message-writer.ts";
import type { ZoneConfig } from "../zone/zone-config.ts";
import { soaData } from "./select-records.ts";

/**
 * The SOA record that every negative answer carries (RFC 2308, DNS-41), ready to be put behind any question: its names
 * point at the zone inside the question's name, wherever that is.
 */
export interface NegativeSoa {
  readonly bytes: Buffer;
  /** Offsets of the pointers inside `bytes`. */
  readonly pointersAt: readonly number[];
  readonly serialAt: number;
}

export function compileNegativeSoa(config: ZoneConfig): NegativeSoa {
  const scratch = Buffer.alloc(MESSAGE_BYTES_MAX);
  const writer = new MessageWriter({ name: config.zone, type: TYPE.SOA }, scratch);
  const start = writer.length;
  writer.writeRecord(config.zone, config.negativeTtlSeconds, soaData(config, 0));
  const bytes = Buffer.from(writer.finish().subarray(start));
  return { bytes, pointersAt: pointersToQuestion(bytes), serialAt: bytes.length - 20 };
}

/** The question is the zone itself, so every pointer to the zone reads "offset 12". */
function pointersToQuestion(bytes: Buffer): number[] {
  const pointer = Buffer.from([0xc0, HEADER_BYTES]);
  const found: number[] = [];
  for (let at = bytes.indexOf(pointer); at !== -1; at = bytes.indexOf(pointer, at + 2)) {
    found.push(at);
  }
  return found;
}
