import { z } from "zod";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Queue, TrafficClass } from "../plan/kernel-state.ts";
import { QUEUE_MAJOR } from "../plan/queue-entries.ts";

const QDISC = z.object({
  kind: z.string(),
  handle: z.string(),
  options: z.object({ default: z.string().default("0x0") }).default({ default: "0x0" }),
});

/** What `tc -json qdisc show dev LINK` says of a queue of ours. */
export function parseQueues(text: string, link: string): Result<readonly Queue[], string> {
  let json: unknown;
  try {
    json = JSON.parse(text.trim() === "" ? "[]" : text);
  } catch {
    return err(`cannot read queues: must be JSON: got ${JSON.stringify(text.slice(0, 200))}`);
  }
  const parsed = z.array(QDISC).safeParse(json);
  if (!parsed.success) return err(`cannot read queues: ${z.prettifyError(parsed.error)}`);
  const ours = parsed.data.filter(
    ({ kind, handle }) => kind === "htb" && handle === `${QUEUE_MAJOR}:`,
  );
  return ok(ours.map(({ options }) => ({ link, fallback: Number(options.default) })));
}

const CLASS = /^class htb ([0-9a-f]+):([0-9a-f]+) .*\brate (\S+) ceil (\S+)/;

/** What `tc class show dev LINK` says: iproute2 has no JSON for these. */
export function parseClasses(text: string, link: string): readonly TrafficClass[] {
  return text.split("\n").flatMap((line) => {
    const [, major, minor = "", rate = "", ceil = ""] = CLASS.exec(line) ?? [];
    return major === QUEUE_MAJOR ? [{ link, minor: Number.parseInt(minor, 16), rate, ceil }] : [];
  });
}
