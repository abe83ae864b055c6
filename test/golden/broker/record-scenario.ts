import { BrokerMessage, MemberMessage } from "../../../api/broker/broker.gen.ts";
import type { StreamHandlers, SyncStream } from "../../../broker/client/sync-transport.ts";
import { encodeOutgoing } from "../../../broker/core/outgoing.ts";
import { testCluster } from "../../../broker/wire/row-arbitrary.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { type Ended, LATENCY_MS, type Line, readable, streamEndOf } from "./recording.ts";
import type { Scenario } from "./scenarios.ts";
import { WiredBroker } from "./wired-broker.ts";
import { WiredMember } from "./wired-member.ts";

/** After each step: what follows from it has been said by then. */
const STEP_MS = 20;

type Said = Line extends infer Each ? (Each extends unknown ? Omit<Each, "ms"> : never) : never;

/** Runs a scenario with today's broker and members, and writes down everything that they say. */
export async function recordScenario({ steps }: Scenario): Promise<readonly Line[]> {
  const recorder = new Recorder();
  for (const step of steps) await recorder.take(step);
  await recorder.take({ check: true });
  return recorder.lines;
}

class Recorder {
  readonly lines: Line[] = [];
  readonly #clock = new VirtualClock();
  readonly #broker = new WiredBroker(this.#clock);
  readonly #members = new Map<string, WiredMember>();
  readonly #streams = new Set<RecordedStream>();
  readonly #opened = new Map<string, number>();

  async take(step: Scenario["steps"][number]): Promise<void> {
    if ("waitMs" in step) {
      await this.#clock.advance(step.waitMs);
      return;
    }
    if ("check" in step) {
      for (const member of this.#members.values()) {
        this.#write({ member: member.name, knows: member.knows() });
      }
      return;
    }
    if ("member" in step) {
      this.#write(step);
      this.#member(step.member).act(step.act);
    } else {
      const { broker: act } = step;
      this.#write(step);
      if (act.do === "break") {
        for (const stream of [...this.#streams]) if (stream.member === act.member) stream.break();
      } else await this.#broker.act(act);
    }
    await this.#clock.advance(STEP_MS);
  }

  #member(name: string): WiredMember {
    const known = this.#members.get(name);
    if (known !== undefined) return known;
    const member = new WiredMember(
      name,
      this.#clock,
      (incarnation) => (handlers) => this.#open(name, incarnation, handlers),
    );
    this.#members.set(name, member);
    return member;
  }

  #open(member: string, incarnation: number, handlers: StreamHandlers): SyncStream {
    const count = (this.#opened.get(member) ?? 0) + 1;
    this.#opened.set(member, count);
    const stream = new RecordedStream(
      { member, incarnation, name: `${member}/${count}` },
      {
        handlers,
        clock: this.#clock,
        broker: this.#broker,
        open: this.#streams,
        write: (line) => this.#write(line),
      },
    );
    stream.begin();
    return stream;
  }

  #write(said: Said): void {
    this.lines.push({ ms: this.#clock.monotonicMs(), ...said });
  }
}

interface Wiring {
  readonly handlers: StreamHandlers;
  readonly clock: VirtualClock;
  readonly broker: WiredBroker;
  readonly open: Set<RecordedStream>;
  readonly write: (line: Said) => void;
}

/** A stream of which everything is written down when it is delivered. */
class RecordedStream implements SyncStream {
  readonly member: string;
  readonly #incarnation: number;
  readonly #name: string;
  readonly #wiring: Wiring;
  #isOpen = true;

  constructor(
    { member, incarnation, name }: { member: string; incarnation: number; name: string },
    wiring: Wiring,
  ) {
    this.member = member;
    this.#incarnation = incarnation;
    this.#name = name;
    this.#wiring = wiring;
  }

  begin(): void {
    const { broker, write, open } = this.#wiring;
    open.add(this);
    if (!broker.isUp) {
      this.#later(() => this.#end({ by: "network", kind: "lost", text: "connection refused" }));
      return;
    }
    write({ stream: this.#name, opened: { incarnation: this.#incarnation } });
    const peer = {
      cluster: testCluster(this.member),
      incarnation: this.#incarnation,
      certificateSerial: "01",
    };
    broker.connect(this.#name, peer, {
      write: (outgoing) => {
        const bytes = encodeOutgoing(outgoing);
        this.#later(() => this.#fromBroker(bytes));
        return true;
      },
      closed: ({ kind, text }) => this.#later(() => this.#end({ by: "broker", kind, text })),
    });
  }

  send(message: MemberMessage): boolean {
    const bytes = MemberMessage.encode(message).finish();
    this.#later(() => {
      this.#says("member", bytes);
      this.#wiring.broker.connection(this.#name)?.receive(MemberMessage.decode(bytes));
    });
    return true;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#shut({ by: "member", kind: "lost", text: "closed by the member" });
    this.#wiring.broker.ended(this.#name);
  }

  break(): void {
    this.#wiring.broker.ended(this.#name);
    this.#end({ by: "network", kind: "lost", text: "connection reset" });
  }

  #fromBroker(bytes: Uint8Array): void {
    this.#says("broker", bytes);
    this.#wiring.handlers.onMessage(BrokerMessage.decode(bytes));
  }

  #says(from: "member" | "broker", bytes: Uint8Array): void {
    const line = { stream: this.#name, from, says: readable(from, bytes) };
    this.#wiring.write({ ...line, bytes: Buffer.from(bytes).toString("hex") });
  }

  #end(ended: Ended): void {
    this.#shut(ended);
    this.#wiring.handlers.onClosed(streamEndOf(ended));
  }

  #shut(ended: Ended): void {
    this.#isOpen = false;
    this.#wiring.open.delete(this);
    this.#wiring.write({ stream: this.#name, ended });
  }

  #later(then: () => void): void {
    this.#wiring.clock.setTimer(LATENCY_MS, () => {
      if (this.#isOpen) then();
    });
  }
}
