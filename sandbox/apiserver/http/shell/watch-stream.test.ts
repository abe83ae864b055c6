import { once } from "node:events";
import { createServer, get, type IncomingMessage, type Server } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { invariant } from "../../../../api/invariant.ts";
import { silentLogger } from "../../../../runtime/log/silent-log.ts";
import type { WatchEvent, WatchSink } from "../../watch/watch-event.ts";
import { WatchStream } from "./watch-stream.ts";

const MEBIBYTE = 1024 * 1024;

/** A watch that the test feeds, over real sockets, so that a client which does not read holds the stream up. */
class FedWatch {
  readonly server: Server;
  readonly initial: readonly WatchEvent[];
  sink: WatchSink | undefined;
  watchesClosed = 0;
  streamsClosed = 0;

  constructor(initial: readonly WatchEvent[]) {
    this.initial = initial;
    this.server = createServer((_, response) => {
      const start = {
        open: (sink: WatchSink) => {
          this.sink = sink;
          for (const event of this.initial) sink.event(event);
          return { close: () => void (this.watchesClosed += 1) };
        },
      };
      const encode = (event: WatchEvent) => `${JSON.stringify(event)}\n`;
      new WatchStream(
        { kind: "watch", headers: { "content-type": "application/json" }, start, encode },
        { response, log: silentLogger, onClosed: () => void (this.streamsClosed += 1) },
      ).open(0);
    });
  }

  /** The answer, paused. */
  async connect(): Promise<IncomingMessage> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    const address = this.server.address();
    invariant(typeof address === "object" && address !== null, "a TCP server has an address", {});
    const request = get({ host: "127.0.0.1", port: address.port, agent: false });
    return new Promise((resolve, reject) => {
      request.once("response", (response) => resolve(response.pause()));
      request.once("error", reject);
    });
  }

  feed(event: WatchEvent): void {
    invariant(this.sink !== undefined, "the watch is open", {});
    this.sink.event(event);
  }
}

function eventOf(bytes: number): WatchEvent {
  return { type: "MODIFIED", object: { data: "x".repeat(bytes) } };
}

/** All that arrives, and whether it ended as an answer does. */
async function readAll(response: IncomingMessage): Promise<{ bytes: number; whole: boolean }> {
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  response.on("error", () => undefined);
  response.resume();
  await new Promise<void>((resolve) => {
    if (response.closed) resolve();
    else response.once("close", resolve);
  });
  return { bytes, whole: response.complete };
}

let watch: FedWatch;
beforeEach(() => {
  watch = new FedWatch([]);
});
afterEach(async () => {
  watch.server.closeAllConnections();
  watch.server.close();
  await once(watch.server, "close");
});

test("a watcher that does not read is cut when 16 MiB wait for it (I12)", async () => {
  const response = await watch.connect();
  let sent = 0;
  while (watch.streamsClosed === 0 && sent < 64) {
    watch.feed(eventOf(MEBIBYTE));
    sent += 1;
    // Lets the sockets take what they can.
    await new Promise(setImmediate);
  }
  expect(sent).toBeGreaterThan(16);
  expect(sent).toBeLessThan(64);
  expect([watch.streamsClosed, watch.watchesClosed]).toEqual([1, 1]);
  // What comes after is nobody's, and the client sees a cut and no end.
  watch.feed(eventOf(1));
  const { bytes, whole } = await readAll(response);
  expect(whole).toBe(false);
  expect(bytes).toBeLessThan(sent * MEBIBYTE);
  expect([watch.streamsClosed, watch.watchesClosed]).toEqual([1, 1]);
});

test("the first state may be larger: a watcher could not come back otherwise", async () => {
  watch = new FedWatch(Array.from({ length: 20 }, () => eventOf(MEBIBYTE)));
  const response = await watch.connect();
  expect(watch.streamsClosed).toBe(0);
  const all = readAll(response);
  watch.sink?.end();
  expect(await all).toMatchObject({ whole: true });
  expect((await all).bytes).toBeGreaterThan(20 * MEBIBYTE);
  expect([watch.streamsClosed, watch.watchesClosed]).toEqual([1, 1]);
});

test("a watcher that goes away ends its watch", async () => {
  const response = await watch.connect();
  watch.feed(eventOf(10));
  response.destroy();
  await expect.poll(() => [watch.streamsClosed, watch.watchesClosed]).toEqual([1, 1]);
});
