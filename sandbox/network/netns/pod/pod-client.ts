import { createSocket } from "node:dgram";
import { request } from "node:http";
import { createConnection } from "node:net";
import type { Timer } from "../../../../runtime/clock/clock.ts";
import { systemClock } from "../../../../runtime/clock/system-clock.ts";
import type { PodAnswer, PodQuestion } from "./pod-message.ts";

type Question<K extends PodQuestion["kind"]> = Extract<PodQuestion, { readonly kind: K }>;

/** Whoever answers at all does so within that, also on a machine that stands still for seconds. */
const LIMIT_MS = 15_000;
/** A datagram may be lost, and the kernel sends few ICMP errors a second: asked again so often. */
const UDP_AGAIN_MS = 500;
/** What is kept of a body; the rest is counted. */
const BODY_MAX = 64 * 1024;
/** A pattern whose period is no power of two, so that a lost or swapped segment shows. */
const PATTERN = Buffer.from(Array.from({ length: 64_007 }, (_, i) => 128 + (i % 127)));

/** GET, one connection. */
export function askHttp({
  host,
  port,
  path,
  timeoutMs = LIMIT_MS,
}: Question<"http">): Promise<PodAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      // Counted while nothing moves, connecting included: a large body may take longer.
      { host, port, path, agent: false, timeout: timeoutMs, headers: { connection: "close" } },
      (response) => {
        let body = "";
        let bytes = 0;
        response.on("data", (part: Buffer) => {
          bytes += part.length;
          if (body.length < BODY_MAX) body += part.toString("utf8");
        });
        response.on("end", () =>
          resolve({
            kind: "http",
            status: response.statusCode ?? 0,
            body: bytes > BODY_MAX ? "" : body,
            bytes,
          }),
        );
        response.on("error", reject);
      },
    );
    sent.on("timeout", () => sent.destroy(timedOut()));
    sent.on("error", reject);
    sent.end();
  });
}

/** Sends a pattern, ends, and checks what comes back after the banner. */
export function askTcp({ host, port, bytes, timeoutMs }: Question<"tcp">): Promise<PodAnswer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port, allowHalfOpen: true, noDelay: true });
    socket.setTimeout(timeoutMs, () => socket.destroy(timedOut()));
    let banner = "";
    let inBanner = true;
    let received = 0;
    let intact = true;
    socket.on("data", (chunk: Buffer) => {
      let part = chunk;
      if (inBanner) {
        const end = part.indexOf(0x0a);
        banner += part.subarray(0, end < 0 ? part.length : end).toString("latin1");
        if (end < 0) return;
        inBanner = false;
        part = part.subarray(end + 1);
      }
      intact &&= matches(part, received);
      received += part.length;
    });
    socket.on("end", () => {
      socket.destroy();
      resolve({ kind: "tcp", banner, bytes: received, intact: intact && received === bytes });
    });
    socket.on("error", reject);
    socket.on("connect", () => {
      let left = bytes;
      const write = (): void => {
        while (left > 0) {
          const offset = (bytes - left) % PATTERN.length;
          const part = PATTERN.subarray(offset, Math.min(PATTERN.length, offset + left));
          left -= part.length;
          if (!socket.write(part)) {
            socket.once("drain", write);
            return;
          }
        }
        socket.end();
      };
      write();
    });
  });
}

/** One datagram, again if need be, and the first that comes back. */
export function askUdp({
  host,
  port,
  text,
  timeoutMs = LIMIT_MS,
}: Question<"udp">): Promise<PodAnswer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const finish = (done: () => void): void => {
      signal.removeEventListener("abort", giveUp);
      again?.cancel();
      socket.close();
      done();
    };
    const giveUp = (): void => finish(() => reject(timedOut()));
    const signal = AbortSignal.timeout(timeoutMs);
    signal.addEventListener("abort", giveUp, { once: true });
    socket.once("error", (error) => finish(() => reject(error)));
    socket.once("message", (message) =>
      finish(() => resolve({ kind: "udp", text: message.toString("utf8") })),
    );
    // Connected, so that an ICMP answer is an error and not silence.
    let again: Timer | undefined;
    const send = (): void => {
      socket.send(text);
      again = systemClock.setTimer(UDP_AGAIN_MS, send);
    };
    socket.connect(port, host, send);
  });
}

export function whyOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}

function timedOut(): Error {
  return Object.assign(new Error("no answer"), { code: "ETIMEDOUT" });
}

function matches(part: Buffer, from: number): boolean {
  for (let at = 0; at < part.length; ) {
    const offset = (from + at) % PATTERN.length;
    const length = Math.min(PATTERN.length - offset, part.length - at);
    if (part.compare(PATTERN, offset, offset + length, at, at + length) !== 0) return false;
    at += length;
  }
  return true;
}
