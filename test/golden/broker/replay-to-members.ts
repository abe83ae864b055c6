import { BrokerMessage, MemberMessage } from "../../../api/broker/broker.gen.ts";
import type { StreamHandlers, SyncStream } from "../../../broker/client/sync-transport.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { MemberMeaning } from "./member-meaning.ts";
import { type Line, streamEndOf } from "./recording.ts";
import { WiredMember } from "./wired-member.ts";

interface Replayed {
  /** What each member knew whenever the recording looked: line by line, as recorded and now. */
  readonly checks: readonly {
    readonly where: string;
    readonly recorded: unknown;
    readonly now: unknown;
  }[];
  readonly said: ReadonlyMap<string, MemberMeaning>;
}

/** Says to today's members what the recorded broker said, while they do what the recorded ones did. */
export async function replayToMembers(lines: readonly Line[]): Promise<Replayed> {
  const clock = new VirtualClock();
  const members = new Map<string, WiredMember>();
  const streams = new Map<string, StreamHandlers>();
  const said = new Map<string, MemberMeaning>();
  const checks: Replayed["checks"][number][] = [];

  const open = (member: string, handlers: StreamHandlers): SyncStream => {
    const count = [...said.keys()].filter((name) => name.startsWith(`${member}/`)).length + 1;
    const name = `${member}/${count}`;
    const meaning = new MemberMeaning();
    streams.set(name, handlers);
    said.set(name, meaning);
    return {
      send: (message) => {
        meaning.hear(MemberMessage.encode(message).finish());
        return true;
      },
      close: () => void streams.delete(name),
    };
  };
  const memberOf = (name: string): WiredMember => {
    const known = members.get(name);
    if (known !== undefined) return known;
    const member = new WiredMember(name, clock, () => (handlers) => open(name, handlers));
    members.set(name, member);
    return member;
  };

  for (const [at, line] of lines.entries()) {
    await clock.advance(line.ms - clock.monotonicMs());
    const where = `line ${at + 1}`;
    if ("act" in line) memberOf(line.member).act(line.act);
    if ("knows" in line) {
      checks.push({ where, recorded: line.knows, now: memberOf(line.member).knows() });
    }
    if (!("stream" in line)) continue;
    const handlers = streams.get(line.stream);
    if ("from" in line && line.from === "broker") {
      if (handlers === undefined) throw new Error(`${where}: ${line.stream} must be open by now`);
      handlers.onMessage(BrokerMessage.decode(Buffer.from(line.bytes, "hex")));
    }
    if ("ended" in line && line.ended.by !== "member") {
      streams.delete(line.stream);
      handlers?.onClosed(streamEndOf(line.ended));
    }
  }
  return { checks, said };
}

/** What the recorded members meant: of streams in which something of theirs was delivered. */
export function recordedMembers(lines: readonly Line[]): ReadonlyMap<string, MemberMeaning> {
  const said = new Map<string, MemberMeaning>();
  for (const line of lines) {
    if (!("from" in line) || line.from !== "member") continue;
    const meaning = said.get(line.stream) ?? new MemberMeaning();
    said.set(line.stream, meaning);
    meaning.hear(Buffer.from(line.bytes, "hex"));
  }
  return said;
}
