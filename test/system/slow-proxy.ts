import { once } from "node:events";
import {
  type AddressInfo,
  createServer,
  connect as dial,
  type Server,
  type Socket,
} from "node:net";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";

const { signal } = new AbortController();

/** A TCP proxy before a server that is slow to take things in: what clients send arrives later, in its order; answers do not. */
export class SlowProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** From now on. */
  delayMs = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(targetPort: number): Promise<SlowProxy> {
    const server = createServer();
    const proxy = new SlowProxy(server);
    server.on("connection", (from) => proxy.#join(from, dial(targetPort, "127.0.0.1")));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(from: Socket, to: Socket): void {
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    to.pipe(from);
    let earlier = Promise.resolve();
    const pass = async (chunk: Buffer, untilMs: number, before: Promise<void>): Promise<void> => {
      await before;
      const waitMs = untilMs - systemClock.monotonicMs();
      if (waitMs > 0) await sleep(systemClock, waitMs, signal);
      if (!to.destroyed) to.write(chunk);
    };
    from.on("data", (chunk: Buffer) => {
      earlier = pass(chunk, systemClock.monotonicMs() + this.delayMs, earlier);
    });
  }
}
