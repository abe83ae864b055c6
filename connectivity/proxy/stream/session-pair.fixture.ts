import type { ResetCode } from "../frame/frame-type.ts";
import type { OpenHeader } from "../frame/open-header.ts";
import { CreditBudget } from "./credit-budget.ts";
import { DEFAULT_LIMITS, type SessionLimits } from "./session-limits.ts";
import { TunnelSession } from "./tunnel-session.ts";
import type { StreamHandler, TunnelStream } from "./tunnel-stream.ts";

export function openHeader(protocol: "tcp" | "udp" = "tcp", name = "db"): OpenHeader {
  return {
    kind: "service",
    protocol,
    namespace: "shop",
    name,
    port: "sql",
    hostname: "",
    client: { address: Uint8Array.of(10, 0, 0, 1), port: 1 },
    clientNamespace: "",
    portNumber: 5432,
  };
}

/** The user of one end of a stream: keeps all that comes, consumes when told to. */
export class KeptStream implements StreamHandler {
  readonly stream: TunnelStream;
  readonly pieces: Buffer[] = [];
  bytes = 0;
  unconsumed = 0;
  isOpened = false;
  hasEnded = false;
  resetCode: ResetCode | undefined;
  isWritable = true;

  constructor(stream: TunnelStream) {
    this.stream = stream;
    stream.handler = this;
  }

  get received(): Buffer {
    return Buffer.concat(this.pieces);
  }

  onOpened(): void {
    this.isOpened = true;
  }

  onData(piece: Uint8Array): void {
    if (this.hasEnded) throw new Error("data after the end");
    this.pieces.push(Buffer.from(piece));
    this.bytes += piece.length;
    this.unconsumed += piece.length;
  }

  onEnd(): void {
    if (this.hasEnded) throw new Error("ended twice");
    this.hasEnded = true;
  }

  onReset(code: ResetCode): void {
    if (this.resetCode !== undefined) throw new Error("reset twice");
    this.resetCode = code;
  }

  onWritable(): void {
    this.isWritable = true;
  }

  send(chunk: Uint8Array): void {
    this.isWritable = this.stream.send(chunk);
  }

  consume(bytes = this.unconsumed): void {
    const some = Math.min(bytes, this.unconsumed);
    this.unconsumed -= some;
    if (some > 0) this.stream.consumed(some);
  }
}

/** One end of a tunnel in memory, with what was opened at it. */
export class SessionEnd {
  readonly session: TunnelSession;
  readonly budget: CreditBudget;
  readonly opened: KeptStream[] = [];
  readonly pongs: number[] = [];
  nowMs = 0;
  hasOutput = false;
  isPeerGoing = false;
  idleCount = 0;

  constructor(
    isDialler: boolean,
    limits: Partial<SessionLimits> = {},
    budget: CreditBudget | number = 1 << 30,
    peer = "peer",
  ) {
    this.budget = typeof budget === "number" ? new CreditBudget(budget) : budget;
    this.session = new TunnelSession(
      { isDialler, limits: { ...DEFAULT_LIMITS, ...limits }, instance: isDialler ? 1 : 2 },
      {
        credit: this.budget.of(peer),
        events: {
          onOutput: () => {
            this.hasOutput = true;
          },
          onHello: () => undefined,
          onOpen: (stream) => {
            this.opened.push(new KeptStream(stream));
            stream.accept();
          },
          onPong: (token) => this.pongs.push(token),
          onGoAway: () => {
            this.isPeerGoing = true;
          },
          onRoutes: () => undefined,
          onIdle: () => {
            this.idleCount += 1;
          },
        },
      },
    );
  }

  open(protocol: "tcp" | "udp" = "tcp"): KeptStream {
    const stream = this.session.open(openHeader(protocol));
    if (stream === undefined) throw new Error("cannot open now");
    return new KeptStream(stream);
  }
}

/** Two ends and the bytes between them: nothing moves until told to. */
export class SessionPair {
  readonly a: SessionEnd;
  readonly b: SessionEnd;
  /** On the way to b, and to a. BOUNDED: by what the sessions give. */
  readonly #toB: Buffer[] = [];
  readonly #toA: Buffer[] = [];
  readonly #target = Buffer.alloc(128 * 1024);

  constructor(limits: Partial<SessionLimits> = {}) {
    this.a = new SessionEnd(true, limits);
    this.b = new SessionEnd(false, limits);
    this.settle();
  }

  /** Moves one buffer's worth each way, chopped. False: nothing moved. */
  move(way: "a-to-b" | "b-to-a", chopBytes = 65_536): boolean {
    const [from, to, line] =
      way === "a-to-b" ? [this.a, this.b, this.#toB] : [this.b, this.a, this.#toA];
    const length = from.session.fill(this.#target);
    if (length > 0) line.push(Buffer.from(this.#target.subarray(0, length)));
    const bytes = line.shift();
    if (bytes === undefined) return false;
    for (let at = 0; at < bytes.length; at += chopBytes) {
      if (!to.session.receive(bytes.subarray(at, at + chopBytes), to.nowMs)) break;
    }
    return true;
  }

  settle(): void {
    for (let isMoving = true; isMoving; ) {
      const moved = [this.move("a-to-b"), this.move("b-to-a")];
      isMoving = moved.includes(true);
    }
  }
}
