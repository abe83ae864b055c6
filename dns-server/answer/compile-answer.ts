import { OPT_BYTES, TYPE, UDP_BYTES_WITHOUT_EDNS } from "../wire/dns-numbers.ts";
import { MessageWriter, type RecordData } from "../wire/message-writer.ts";
import type { CompiledAnswer, Cut } from "./compiled-answer.ts";
import { OPTIONS_BYTES_MAX } from "./edns-options.ts";
import type { SelectedRecords } from "./select-records.ts";
import { weightedTurns } from "./weighted-turns.ts";

export interface AnswerInput {
  /** Lower case, dotted, without a final dot. */
  readonly name: string;
  readonly type: number;
  readonly records: SelectedRecords;
  /** Addresses of a target, for the additional section (DNS-13). */
  readonly addressesOf: (target: string) => readonly RecordData[];
}

/** Encodes a positive answer once, together with the places where it may be cut for smaller clients. */
export function compileAnswer(input: AnswerInput, scratch: Buffer): CompiledAnswer {
  const writer = new MessageWriter(input, scratch);
  const answersStart = writer.length;
  const cuts: Cut[] = [];
  const { data, ttlSeconds, shares } = input.records;
  let answerCount = 0;
  for (const record of data) {
    cuts.push({ end: writer.length, answerCount, additionalCount: 0 });
    if (!writer.writeAnswer(ttlSeconds, record)) break;
    answerCount++;
  }
  const answersEnd = writer.length;
  const additionalCount = writeTargets(writer, input, cuts, answerCount);
  writer.setCounts(answerCount, 0, additionalCount);
  const bytes = writer.finish();
  return {
    bytes,
    answersStart,
    answerCount,
    answersEnd,
    additionalCount,
    rotationBytes: canRotate(data) ? (answersEnd - answersStart) / answerCount : 0,
    ...(shares === undefined ? {} : { firsts: weightedTurns(shares.slice(0, answerCount)) }),
    cuts: bytes.length + OPT_BYTES + OPTIONS_BYTES_MAX > UDP_BYTES_WITHOUT_EDNS ? cuts : [],
    isIncomplete: answerCount < data.length,
    serialAt: data[0]?.type === "SOA" ? answersEnd - SERIAL_TO_END_BYTES : 0,
  };
}

/** Serial, refresh, retry, expire and minimum end a SOA. */
const SERIAL_TO_END_BYTES = 20;

/** Each target's addresses go in whole or not at all (RFC 2181, section 9). */
function writeTargets(
  writer: MessageWriter,
  input: AnswerInput,
  cuts: Cut[],
  answerCount: number,
): number {
  const targets = new Set<string>();
  for (const record of input.records.data.slice(0, answerCount)) {
    if (record.type === "SRV" || record.type === "NS") targets.add(record.target);
  }
  let additionalCount = 0;
  for (const target of targets) {
    cuts.push({ end: writer.length, answerCount, additionalCount });
    for (const record of input.addressesOf(target)) {
      if (!writer.writeRecord(target, input.records.ttlSeconds, record)) return additionalCount;
      additionalCount++;
    }
  }
  return additionalCount;
}

/** Addresses alone are handed out in turn (DNS-50); SRV clients choose by weight. */
function canRotate(data: readonly RecordData[]): boolean {
  const [first] = data;
  return data.length > 1 && first !== undefined && (first.type === "A" || first.type === "AAAA");
}

/** True for the types a zone has, which are worth keeping compiled. */
export function isCacheable(type: number): boolean {
  return (
    type === TYPE.A ||
    type === TYPE.AAAA ||
    type === TYPE.SRV ||
    type === TYPE.TXT ||
    type === TYPE.NS ||
    type === TYPE.SOA ||
    type === TYPE.ANY
  );
}
