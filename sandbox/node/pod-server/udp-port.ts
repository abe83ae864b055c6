import type { Socket } from "node:dgram";
import { ok, type Result } from "../../../api/result.ts";
import { bindUdp } from "../../network/loopback.ts";
import { bannerOf, type PodIdentity } from "./pod-identity.ts";

/** The largest payload of a UDP datagram over IPv4. */
const MAX_DATAGRAM = 65_507;

/** One UDP port of a pod: answers each datagram with `pod ip <podIP>` and the datagram, cut to what one can hold. */
export class UdpPort {
  readonly #banner: Uint8Array;
  #socket: Socket | undefined;

  constructor(identity: PodIdentity) {
    this.#banner = Buffer.from(bannerOf(identity));
  }

  /** Resolves to the loopback port. */
  async start(): Promise<Result<number, string>> {
    const bound = await bindUdp("127.0.0.1");
    if (!bound.ok) return { ok: false, error: bound.error.message };
    const socket = bound.value;
    this.#socket = socket;
    socket.on("message", (bytes, from) => {
      const answer = Buffer.concat([this.#banner, bytes]).subarray(0, MAX_DATAGRAM);
      socket.send(answer, from.port, from.address, () => undefined);
    });
    return ok(socket.address().port);
  }

  stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    return new Promise((resolve) => {
      if (socket === undefined) resolve();
      else socket.close(() => resolve());
    });
  }
}
