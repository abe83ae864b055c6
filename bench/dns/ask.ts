import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { decode } from "dns-packet";
import { queryPacket } from "../../dns-server/testing/test-responder.ts";

/** Asks one question at a time, for the records of the answer; undefined when none comes within `timeoutMs`. */
export class Asker implements Disposable {
  readonly #socket: Socket = createSocket("udp4");
  readonly #port: number;
  #id = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async ask(question: string, timeoutMs = 1000): Promise<string | undefined> {
    const id = ++this.#id & 0xffff;
    this.#socket.send(queryPacket(question, { id, ednsBytes: 1232 }), this.#port, "127.0.0.1");
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      for (;;) {
        const [message] = await once(this.#socket, "message", { signal });
        const answer = decode(message);
        if (answer.id === id) return JSON.stringify(answer.answers);
      }
    } catch {
      return undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
