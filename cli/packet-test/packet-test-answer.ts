import { z } from "zod";
import type { ConnectionFact } from "./connection-fact.ts";

export const PACKET_TEST_PATH = "/packets";

const answer = z.union([
  z.object({
    connections: z.array(
      z.object({
        cluster: z.string().optional(),
        address: z.string(),
        port: z.number(),
        failure: z.string().optional(),
      }),
    ),
  }),
  z.object({ error: z.string() }),
]);

/** What a packet test comes to: a line per connection, or why there was no test. */
export type PacketTestAnswer =
  | { readonly connections: readonly ConnectionFact[] }
  | { readonly error: string };

/** Undefined: not an answer of ours. */
export function readPacketTestAnswer(text: string): PacketTestAnswer | undefined {
  try {
    const parsed = answer.safeParse(JSON.parse(text));
    if (!parsed.success) return undefined;
    if ("error" in parsed.data) return parsed.data;
    // JSON has no undefined: what is absent is.
    return {
      connections: parsed.data.connections.map(({ cluster, failure, ...rest }) => ({
        ...rest,
        cluster,
        failure,
      })),
    };
  } catch {
    return undefined;
  }
}
