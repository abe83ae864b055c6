import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { BrokerMessage, MemberMessage } from "../../../api/broker/broker.gen.ts";
import type { ServiceRow } from "../../../api/broker/row.ts";
import type { NetworkFacts } from "../../../api/network/network-facts.ts";
import type { GlobalNeed } from "../../../broker/client/network-link.ts";
import type { StreamEnd } from "../../../broker/client/sync-transport.ts";
import type { CloseReason } from "../../../broker/core/session-io.ts";
import { type SingleMessage, unpackBatch } from "../../../broker/wire/batch.ts";

/** What a member's own side does: its controllers and its process. */
export type MemberAct =
  | {
      readonly do: "start";
      readonly incarnation: number;
      readonly cidrs?: readonly string[];
      /** It takes part in connectivity. */
      readonly hasNetwork?: true;
    }
  | { readonly do: "stop" }
  | { readonly do: "namespaces"; readonly names: readonly string[] }
  | { readonly do: "rows"; readonly service: string; readonly rows: readonly ServiceRow[] }
  | { readonly do: "complete" }
  | { readonly do: "need"; readonly need: GlobalNeed }
  /** Null: it says nothing about its network any more. */
  | { readonly do: "network"; readonly facts: NetworkFacts | null };

/** What happens to the broker, or to the network between. */
export type BrokerAct =
  | { readonly do: "policy"; readonly document: string }
  | { readonly do: "stop" }
  | { readonly do: "start" }
  | { readonly do: "lose-store" }
  | { readonly do: "drain"; readonly withinMs: number }
  | { readonly do: "break"; readonly member: string }
  | { readonly do: "remove"; readonly member: string }
  | { readonly do: "freeze"; readonly member: string };

export interface Ended {
  readonly by: "member" | "broker" | "network";
  /** The broker's CloseReason; of others `lost`. */
  readonly kind: CloseReason["kind"] | "lost";
  readonly text: string;
}

/** One line of a recording; `ms` since its beginning. `bytes` are hexadecimal: what was delivered, as it was. */
export type Line = { readonly ms: number } & (
  | { readonly member: string; readonly act: MemberAct }
  | { readonly broker: BrokerAct }
  /** `stream`: its member and which of its streams, from 1. */
  | { readonly stream: string; readonly opened: { readonly incarnation: number } }
  | {
      readonly stream: string;
      readonly from: "member" | "broker";
      /** For readers: the message that the bytes encode. */
      readonly says: unknown;
      readonly bytes: string;
    }
  | {
      readonly stream: string;
      readonly ended: Ended;
    }
  /** What the member knew then. */
  | { readonly member: string; readonly knows: unknown }
);

/** Lines are written by the recorder alone: only that each is an object with a time is checked. */
const LINE = z.looseObject({ ms: z.number() });

/** From being said to being delivered, in each direction. */
export const LATENCY_MS = 1;

export const RECORDINGS = import.meta.dirname;

/** Names of the recorded versions: folders here. */
export function recordedVersions(): readonly string[] {
  return readdirSync(RECORDINGS, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

export function recordingsOf(version: string): readonly string[] {
  return readdirSync(join(RECORDINGS, version)).sort();
}

export function readRecording(version: string, file: string): readonly Line[] {
  const text = readFileSync(join(RECORDINGS, version, file), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => LINE.parse(JSON.parse(line)) as unknown as Line);
}

/** A message as a reader sees it: JSON, bytes as hexadecimal. */
export function readable(from: "member" | "broker", bytes: Uint8Array): unknown {
  const { message } = from === "member" ? MemberMessage.decode(bytes) : BrokerMessage.decode(bytes);
  if (message === undefined) return null;
  if (message.$case === "batch") {
    const unpacked = unpackBatch(message.value);
    if (!unpacked.ok) throw new Error(unpacked.error);
    return { batch: unpacked.value.map(readableMessage) };
  }
  return readableMessage(message);
}

function readableMessage(
  message: SingleMessage | NonNullable<MemberMessage["message"]> | undefined,
): unknown {
  if (message === undefined) return null;
  const text = JSON.stringify({ [message.$case]: message.value }, (_, value: unknown) =>
    value instanceof Uint8Array || isBufferJson(value) ? hexOf(value) : value,
  );
  return JSON.parse(text);
}

/** `Buffer.toJSON` runs before the replacer sees its value. */
function isBufferJson(value: unknown): value is { readonly data: readonly number[] } {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    value.type === "Buffer" &&
    "data" in value &&
    Array.isArray(value.data)
  );
}

function hexOf(value: Uint8Array | { readonly data: readonly number[] }): string {
  return Buffer.from(value instanceof Uint8Array ? value : value.data).toString("hex");
}

/** What the member's transport makes of an end, as broker.proto says of the statuses of Sync. */
export function streamEndOf({ kind, text }: Ended): StreamEnd {
  const isFinal = kind === "protocol" || kind === "over";
  return { kind: isFinal ? "rejected" : "lost", reason: text };
}
