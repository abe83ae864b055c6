import { z } from "zod";
import { err, ok, type Result } from "../../../api/result.ts";
import type { RunCommand } from "./run-command.ts";

const LINK = z.object({
  mtu: z.int().optional(),
  addr_info: z.array(z.object({ local: z.string().default("") })).default([]),
});

/** MTU of the link that has one of these addresses, bytes: what the node sends to others leaves by it. */
export async function outerMtu(
  addresses: readonly string[],
  run: RunCommand,
  signal: AbortSignal,
): Promise<Result<number, string>> {
  const listed = await run({ program: "ip", args: ["-json", "address", "show"] }, signal);
  if (!listed.ok) return listed;
  const found = findMtu(listed.value, addresses);
  return found === undefined
    ? err(`no link has one of the node's addresses: got ${addresses.join(", ") || "none"}`)
    : ok(found);
}

function findMtu(text: string, addresses: readonly string[]): number | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const links = z.array(LINK).safeParse(json);
  if (!links.success) return undefined;
  return links.data.find(({ addr_info }) =>
    addr_info.some(({ local }) => addresses.includes(local)),
  )?.mtu;
}
