import { MemberMessage } from "../../../api/broker/broker.gen.ts";
import { encodeOutgoing } from "../../../broker/core/outgoing.ts";
import { testCluster } from "../../../broker/wire/row-arbitrary.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { BrokerMeaning } from "./broker-meaning.ts";
import { LATENCY_MS, type Line } from "./recording.ts";
import { WiredBroker } from "./wired-broker.ts";

/** After the last line: what follows from it has been said by then. */
const REST_MS = 20;

/** Says to today's broker what the recorded members said; returns what it meant by its answers, by stream. */
export async function replayToBroker(
  lines: readonly Line[],
): Promise<ReadonlyMap<string, BrokerMeaning>> {
  const clock = new VirtualClock();
  const broker = new WiredBroker(clock);
  const heard = new Map<string, BrokerMeaning>();
  const ended = new Set<string>();
  // As recorded: what was under way when the member's end of the stream went is heard by nobody.
  const later = (stream: string, hear: () => void): void => {
    clock.setTimer(LATENCY_MS, () => {
      if (!ended.has(stream)) hear();
    });
  };
  for (const line of lines) {
    await clock.advance(line.ms - clock.monotonicMs());
    if ("broker" in line) await broker.act(line.broker);
    if (!("stream" in line)) continue;
    const { stream } = line;
    if ("opened" in line) {
      const meaning = new BrokerMeaning();
      heard.set(stream, meaning);
      const [member = ""] = stream.split("/");
      const { incarnation } = line.opened;
      const peer = { cluster: testCluster(member), incarnation, certificateSerial: "01" };
      broker.connect(stream, peer, {
        write: (outgoing) => {
          const bytes = encodeOutgoing(outgoing);
          later(stream, () => meaning.hear(bytes));
          return true;
        },
        closed: ({ kind, text }) => later(stream, () => meaning.end({ by: "broker", kind, text })),
      });
    } else if ("from" in line) {
      if (line.from === "broker") continue;
      const message = MemberMessage.decode(Buffer.from(line.bytes, "hex"));
      broker.connection(stream)?.receive(message);
    } else if (line.ended.by !== "broker") {
      ended.add(stream);
      broker.ended(stream);
    }
  }
  await clock.advance(REST_MS);
  return heard;
}

/** What the recorded broker meant. */
export function recordedBroker(lines: readonly Line[]): ReadonlyMap<string, BrokerMeaning> {
  const heard = new Map<string, BrokerMeaning>();
  for (const line of lines) {
    if (!("stream" in line)) continue;
    if ("opened" in line) heard.set(line.stream, new BrokerMeaning());
    else if ("ended" in line) heard.get(line.stream)?.end(line.ended);
    else if (line.from === "broker") heard.get(line.stream)?.hear(Buffer.from(line.bytes, "hex"));
  }
  return heard;
}
