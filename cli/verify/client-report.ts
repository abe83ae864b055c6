import { z } from "zod";
import { lastLine } from "./last-line.ts";

const report = z.object({
  addresses: z.array(z.string()),
  nameError: z.string().optional(),
  status: z.number().optional(),
  /** The name of the pod that answered. */
  body: z.string().optional(),
  ms: z.number().optional(),
  requestError: z.string().optional(),
});

/** What a client in a pod saw last. */
export type ClientReport = z.output<typeof report>;

/** The last whole line of its log; undefined: it has said nothing yet. */
export function lastReport(log: string): ClientReport | undefined {
  return lastLine(log, report);
}

/** What is still missing for the name to be right; undefined: nothing. */
export function missingOfName(
  { addresses, nameError }: ClientReport,
  ips: readonly string[],
): string | undefined {
  if (addresses.toSorted().join() === ips.toSorted().join()) return undefined;
  const got = addresses.join(", ") || (nameError ?? "nothing");
  return `must be ${ips.join(", ")}: got ${got}`;
}

export function missingOfRequest({ status, requestError }: ClientReport): string | undefined {
  if (status === 200) return undefined;
  return status === undefined ? (requestError ?? "no answer") : `HTTP status ${status}`;
}
