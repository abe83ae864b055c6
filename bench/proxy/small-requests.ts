import { connect, createServer, type Socket } from "node:net";

// A process of its own: `echo PORT` answers, `connections PORT SECONDS` and `requests PORT SECONDS` ask and tell the parent.

const SIZE = 64;
const REQUEST = Buffer.alloc(SIZE, 120);
const WORKERS = 32;

export interface Asked {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

const [what, port, seconds] = process.argv.slice(2);
if (what === "echo") {
  createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  }).listen({ port: Number(port), host: "127.0.0.1", backlog: 4096 }, () =>
    process.send?.("ready"),
  );
} else {
  const measured = await measure(what === "connections", Number(port), Number(seconds));
  process.send?.(measured, () => process.exit(0));
}

async function measure(isFresh: boolean, at: number, forSeconds: number): Promise<Asked> {
  const times: number[] = [];
  let failed = 0;
  const start = performance.now();
  const untilMs = start + forSeconds * 1000;
  const one = async (socket: Socket): Promise<void> => {
    const begin = performance.now();
    socket.write(REQUEST);
    let left = SIZE;
    await new Promise<void>((resolve, reject) => {
      const onData = (chunk: Buffer): void => {
        left -= chunk.length;
        if (left > 0) return;
        socket.off("data", onData);
        resolve();
      };
      socket.on("data", onData);
      socket.once("close", () => reject(new Error("closed")));
    });
    socket.removeAllListeners("close");
    if (!isFresh) times.push(performance.now() - begin);
  };
  const open = (): Socket => {
    const socket = connect({ port: at, host: "127.0.0.1", noDelay: true });
    socket.on("error", () => undefined);
    return socket;
  };
  const worker = async (): Promise<void> => {
    let socket = open();
    while (performance.now() < untilMs) {
      const begin = performance.now();
      try {
        await one(socket);
        if (isFresh) times.push(performance.now() - begin);
      } catch {
        failed += 1;
      }
      if (!isFresh) continue;
      socket.destroySoon();
      socket = open();
    }
    socket.destroy();
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
  const tookSeconds = (performance.now() - start) / 1000;
  times.sort((a, b) => a - b);
  const at99 = (part: number): number => times[Math.floor(times.length * part)] ?? Number.NaN;
  return { perSecond: times.length / tookSeconds, p50Ms: at99(0.5), p99Ms: at99(0.99), failed };
}
