import type { Answer } from "dns-packet";
import { encode } from "dns-packet";
import { CLASS_IN, HEADER_BYTES, MESSAGE_BYTES_MAX, TYPE } from "./dns-numbers.ts";

/** Data of a record, by type. Names are dotted, lower case, without a final dot. */
export type RecordData =
  | { readonly type: "A" | "AAAA"; readonly address: string }
  | {
      readonly type: "SRV";
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  | { readonly type: "TXT"; readonly text: string }
  | { readonly type: "NS" | "PTR"; readonly target: string }
  | {
      readonly type: "SOA";
      readonly mname: string;
      readonly rname: string;
      readonly serial: number;
      readonly negativeTtlSeconds: number;
    };

/** Times of the SOA that only secondaries read; there are none (DNS-48). */
const SOA_REFRESH_SECONDS = 7200;
const SOA_RETRY_SECONDS = 1800;
const SOA_EXPIRE_SECONDS = 86_400;
/** A pointer has 14 bits (RFC 1035, section 4.1.4). */
const POINTER_OFFSET_MAX = 0x3fff;
const ROOT_RECORD_HEADER_BYTES = 11;
/** No record of ours is longer: owner, header and the longest data, a SOA. */
const RECORD_BYTES_MAX = 1024;

/**
 * Builds a message with one question and compressed names. dns-packet encodes the data of records; it cannot compress,
 * and a truncated or amplified answer costs more than these lines.
 */
export class MessageWriter {
  readonly #bytes: Buffer;
  #offset = HEADER_BYTES;
  /** Where each name written so far begins. BOUNDED: by the message. */
  readonly #names = new Map<string, number>();

  /** Writes into `scratch`, of MESSAGE_BYTES_MAX bytes, which may serve the next writer once this one has finished. */
  constructor(question: { readonly name: string; readonly type: number }, scratch: Buffer) {
    this.#bytes = scratch;
    this.#bytes.fill(0, 0, HEADER_BYTES);
    this.#writeName(question.name, true);
    this.#word(question.type);
    this.#word(CLASS_IN);
  }

  get length(): number {
    return this.#offset;
  }

  /** A record of the name in question, which is written as the client wrote it, however often the name occurs in lower case. */
  writeAnswer(ttlSeconds: number, data: RecordData): boolean {
    if (!this.#hasRoom()) return false;
    this.#word(0xc000 | HEADER_BYTES);
    this.#writeRest(ttlSeconds, data);
    return true;
  }

  /** False, with nothing written, when the message would exceed what can be framed. */
  writeRecord(owner: string, ttlSeconds: number, data: RecordData): boolean {
    if (!this.#hasRoom()) return false;
    this.#writeName(owner, true);
    this.#writeRest(ttlSeconds, data);
    return true;
  }

  #hasRoom(): boolean {
    return this.#offset + RECORD_BYTES_MAX <= MESSAGE_BYTES_MAX;
  }

  #writeRest(ttlSeconds: number, data: RecordData): void {
    this.#word(TYPE[data.type]);
    this.#word(CLASS_IN);
    this.#word(0);
    this.#word(ttlSeconds);
    const lengthAt = this.#offset;
    this.#word(0);
    this.#writeData(data);
    this.#bytes.writeUInt16BE(this.#offset - lengthAt - 2, lengthAt);
  }

  setCounts(answers: number, authorities: number, additionals: number): void {
    this.#bytes.writeUInt16BE(1, 4);
    this.#bytes.writeUInt16BE(answers, 6);
    this.#bytes.writeUInt16BE(authorities, 8);
    this.#bytes.writeUInt16BE(additionals, 10);
  }

  /** A copy without slack, with memory of its own: kept answers must not hold on to slabs of the shared pool. */
  finish(): Buffer {
    const message = Buffer.allocUnsafeSlow(this.#offset);
    this.#bytes.copy(message, 0, 0, this.#offset);
    return message;
  }

  #writeData(data: RecordData): void {
    switch (data.type) {
      case "NS":
      case "PTR":
        this.#writeName(data.target, true);
        return;
      case "SOA":
        this.#writeName(data.mname, true);
        this.#writeName(data.rname, true);
        for (const value of [
          data.serial,
          SOA_REFRESH_SECONDS,
          SOA_RETRY_SECONDS,
          SOA_EXPIRE_SECONDS,
          data.negativeTtlSeconds,
        ]) {
          this.#offset = this.#bytes.writeUInt32BE(value, this.#offset);
        }
        return;
      case "SRV":
        this.#word(0);
        this.#word(data.weight);
        this.#word(data.port);
        // "name compression is not to be used for this field" (RFC 2782), but others may point here.
        this.#writeName(data.target, false);
        return;
      case "A":
      case "AAAA":
        this.#append(encodeData({ name: ".", type: data.type, data: data.address }));
        return;
      case "TXT":
        this.#append(encodeData({ name: ".", type: "TXT", data: data.text }));
    }
  }

  #writeName(name: string, isCompressible: boolean): void {
    let rest = name;
    while (rest !== "") {
      const known = this.#names.get(rest);
      if (known !== undefined && isCompressible) {
        this.#word(0xc000 | known);
        return;
      }
      // What is written out later is lower case for sure, while the question has the client's case: point there.
      if (this.#offset <= POINTER_OFFSET_MAX) this.#names.set(rest, this.#offset);
      const dot = rest.indexOf(".");
      const label = dot === -1 ? rest : rest.slice(0, dot);
      this.#bytes[this.#offset] = label.length;
      this.#offset += 1 + this.#bytes.write(label, this.#offset + 1, "latin1");
      rest = dot === -1 ? "" : rest.slice(dot + 1);
    }
    this.#bytes[this.#offset++] = 0;
  }

  #word(value: number): void {
    this.#offset = this.#bytes.writeUInt16BE(value, this.#offset);
  }

  #append(bytes: Buffer): void {
    this.#offset += bytes.copy(this.#bytes, this.#offset);
  }
}

/** Holds one record of ours, of the kinds that dns-packet encodes, at a time. */
const RECORD_SCRATCH = Buffer.alloc(RECORD_BYTES_MAX);

/** The data part of a record as dns-packet encodes it; valid until the next call. */
function encodeData(answer: Answer): Buffer {
  encode({ answers: [answer] }, RECORD_SCRATCH);
  return RECORD_SCRATCH.subarray(HEADER_BYTES + ROOT_RECORD_HEADER_BYTES, encode.bytes);
}
