import { appendFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { hasCode } from "../files/atomic-file.ts";
import { makeFolder } from "../files/make-folder.ts";
import type { AuditEvent, AuditLog } from "./audit-log.ts";
import { RefusalQuota } from "./refusal-quota.ts";

export interface FileAuditLogOptions {
  readonly path: string;
  /** Beyond, the file is moved to `path.1` and a new one begins. Commands beside a broker leave that to it. @default 8 MiB */
  readonly maxBytes?: number;
  /** Older files that are kept. @default 4 */
  readonly keep?: number;
}

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
}

const MAX_BYTES = 8 * 1024 * 1024;
const KEEP = 4;
/** BOUNDED: by this many lines that wait for the disk; beyond, they are in the log alone. */
const MAX_WAITING = 10_000;
/** Reasons may quote what strangers sent. */
const MAX_REASON = 500;

/**
 * Audit events as JSON lines in a file, mode 0600, of bounded size and number, and each as a line of the log. Strangers
 * can cause refusals at will: beyond a quota these are only counted, so that they cannot push everything else out.
 */
export class FileAuditLog implements AuditLog {
  readonly #options: Required<FileAuditLogOptions>;
  readonly #deps: Deps;
  readonly #quota: RefusalQuota;
  #waiting: string[] = [];
  #work: Promise<void> | undefined;

  constructor(options: FileAuditLogOptions, deps: Deps) {
    this.#options = { maxBytes: MAX_BYTES, keep: KEEP, ...options };
    this.#deps = deps;
    this.#quota = new RefusalQuota(deps.clock.monotonicMs());
  }

  record(event: AuditEvent): void {
    if (event.kind !== "refused") {
      this.#write(event);
      return;
    }
    const taken = this.#quota.take(this.#deps.clock.monotonicMs());
    if (taken.suppressed > 0) this.#write({ kind: "refusals-suppressed", count: taken.suppressed });
    if (taken.isWithin) this.#write({ ...event, reason: event.reason.slice(0, MAX_REASON) });
  }

  /** Resolves once everything recorded so far is in the file, or could not be written. */
  async flush(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  #write(
    event: AuditEvent | { readonly kind: "refusals-suppressed"; readonly count: number },
  ): void {
    const { clock, log } = this.#deps;
    log.info("audit", { audit: event });
    if (this.#waiting.length >= MAX_WAITING) {
      log.error("audit line dropped: the disk is behind", { waiting: MAX_WAITING });
      return;
    }
    this.#waiting.push(
      `${JSON.stringify({ at: new Date(clock.nowMs()).toISOString(), ...event })}\n`,
    );
    this.#work ??= this.#drain();
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting.join("");
      this.#waiting = [];
      try {
        await this.#append(lines);
      } catch (error) {
        this.#deps.log.error("audit not written", { err: error });
      }
    }
    this.#work = undefined;
  }

  async #append(lines: string): Promise<void> {
    const { path, maxBytes } = this.#options;
    await makeFolder(dirname(path));
    if ((await sizeOf(path)) + lines.length > maxBytes) await this.#rotate();
    await appendFile(path, lines, { mode: 0o600, flush: true });
  }

  async #rotate(): Promise<void> {
    const { path, keep } = this.#options;
    for (let at = keep; at >= 1; at -= 1) {
      await renameIfThere(at === 1 ? path : `${path}.${at - 1}`, `${path}.${at}`);
    }
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return 0;
    throw error;
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}
