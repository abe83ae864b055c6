import type { Socket } from "node:net";
import { err, ok, type Result } from "../../../api/result.ts";

/** An answer's header may have so many bytes: more is not read. */
const MAX_ANSWER_BYTES = 8 * 1024;

/**
 * Asks an HTTP proxy to carry the connection on to `target` (host:port) by CONNECT (RFC 9110 section 9.3.6). Error: it does not,
 * and what it answered. The caller has a deadline: when it destroys the socket, this ends too.
 */
export function httpConnect(
  socket: Socket,
  target: string,
  authorization?: string,
): Promise<Result<undefined, string>> {
  return new Promise((resolve) => {
    let answer = Buffer.alloc(0);
    const finish = (result: Result<undefined, string>): void => {
      socket.off("data", onData);
      socket.off("close", onClose);
      socket.pause();
      resolve(result);
    };
    const onClose = (): void => finish(err("http proxy closed the connection without an answer"));
    const onData = (chunk: Buffer): void => {
      answer = Buffer.concat([answer, chunk]);
      const end = answer.indexOf("\r\n\r\n");
      if (end === -1) {
        if (answer.length <= MAX_ANSWER_BYTES) return;
        finish(err(`http proxy's answer must have at most ${MAX_ANSWER_BYTES} bytes: it has more`));
        return;
      }
      const status = answer.subarray(0, answer.indexOf("\r\n")).toString("latin1").slice(0, 200);
      if (!/^HTTP\/1\.[01] 2\d\d( |$)/.test(status)) {
        finish(err(`http proxy must answer 2xx: got ${JSON.stringify(status)}`));
        return;
      }
      finish(ok(undefined));
      // Belongs to what follows. Put back only now: to whoever listens it would come at once, and again.
      const rest = answer.subarray(end + 4);
      if (rest.length > 0) socket.unshift(rest);
    };
    socket.on("data", onData);
    socket.on("close", onClose);
    const lines = [
      `CONNECT ${target} HTTP/1.1`,
      `Host: ${target}`,
      ...(authorization === undefined ? [] : [`Proxy-Authorization: ${authorization}`]),
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  });
}
