import { randomInt } from "node:crypto";
import { encodeFrame } from "./log-frame.ts";
import { encodeHeader } from "./record-codec.ts";
import type { LogFile, StoreFolder } from "./store-folder.ts";

const CHUNK_BYTES = 1024 * 1024;
const MAX_SALT = 0xffff_ffff;

export function logName(generation: number): string {
  return `log-${generation}`;
}

/** Generation of a log by its name; undefined for other files. */
export function logGeneration(name: string): number | undefined {
  const digits = /^log-(\d{1,12})$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** A whole log under a temporary name. */
export interface PreparedLog {
  /** Gives it its name. After a failure it is unknown which log a restart would find. */
  publish(): Promise<LogWriter>;
}

/** Appends to one log file. After a failure it must not be used again: what the file holds is unknown. */
export class LogWriter {
  readonly generation: number;
  /** Size when it was begun or reopened: what a rewrite cannot make smaller, roughly. */
  readonly baseBytes: number;
  readonly #file: LogFile;
  readonly #salt: number;
  #bytes: number;

  private constructor(generation: number, file: LogFile, salt: number, bytes: number) {
    this.generation = generation;
    this.baseBytes = bytes;
    this.#file = file;
    this.#salt = salt;
    this.#bytes = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Continues a log after its last whole record. */
  static async resume(
    folder: StoreFolder,
    log: { readonly generation: number; readonly salt: number; readonly wholeBytes: number },
  ): Promise<LogWriter> {
    const file = await folder.reopen(logName(log.generation), log.wholeBytes);
    return new LogWriter(log.generation, file, log.salt, log.wholeBytes);
  }

  /** Writes a log with these payloads beside the present one; `publish` puts it in force. */
  static async prepare(
    folder: StoreFolder,
    generation: number,
    epoch: string,
    payloads: Iterable<Uint8Array>,
  ): Promise<PreparedLog> {
    const temporary = `${logName(generation)}.tmp`;
    const salt = randomInt(1, MAX_SALT);
    const file = await folder.create(temporary);
    try {
      const bytes = await writeAll(file, encodeFrame(encodeHeader(epoch, salt), 0), payloads, salt);
      await file.sync();
      return {
        publish: async () => {
          try {
            await folder.rename(temporary, logName(generation));
          } catch (error) {
            await file.close();
            throw error;
          }
          return new LogWriter(generation, file, salt, bytes);
        },
      };
    } catch (error) {
      await file.close();
      await folder.remove(temporary);
      throw error;
    }
  }

  /** Resolves when the payloads are durable. */
  async append(payloads: readonly Uint8Array[]): Promise<void> {
    const bytes = Buffer.concat(payloads.map((payload) => encodeFrame(payload, this.#salt)));
    await this.#file.append(bytes);
    await this.#file.sync();
    this.#bytes += bytes.length;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Returns the bytes written. */
async function writeAll(
  file: LogFile,
  header: Uint8Array,
  payloads: Iterable<Uint8Array>,
  salt: number,
): Promise<number> {
  let chunk: Uint8Array[] = [header];
  let chunkBytes = header.length;
  let written = 0;
  for (const payload of payloads) {
    const frame = encodeFrame(payload, salt);
    chunk.push(frame);
    chunkBytes += frame.length;
    if (chunkBytes < CHUNK_BYTES) continue;
    await file.append(Buffer.concat(chunk));
    written += chunkBytes;
    chunk = [];
    chunkBytes = 0;
  }
  await file.append(Buffer.concat(chunk));
  return written + chunkBytes;
}
