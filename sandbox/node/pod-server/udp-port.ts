import type { Socket } from "node:dgram";
import { ok, type Result } from "../../../api/result.ts";
import { bindUdp, type HostPort } from "../../network/loopback.ts";
import { bannerOf, type PodIdentity } from "./pod-identity.ts";

/** The largest payload of a UDP datagram over IPv4. */
const MAX_DATAGRAM = 65_507;

/** A datagram that asks whose it seems to be is answered with its source address instead of itself. */
const WHO = Buffer.from("who\n");

function isWho(bytes: Uint8Array): boolean {
  return WHO.equals(bytes);
}

/** One UDP port of a pod: answers each datagram with `pod ip <podIP>` and the datagram, cut to what one can hold. */
export class UdpPort {
  readonly #banner: Uint8Array;
  #socket: Socket | undefined;

  constructor(identity: PodIdentity) {
    this.#banner = Buffer.from(bannerOf(identity));
  }

  /** Resolves to the port: any of loopback's unless another address is given. */
  async start(at: HostPort = { host: "127.0.0.1", port: 0 }): Promise<Result<number, string>> {
    const bound = await bindUdp(at.host, at.port);
    if (!bound.ok) return { ok: false, error: bound.error.message };
    const socket = bound.value;
    this.#socket = socket;
    socket.on("message", (bytes, from) => {
      const said = isWho(bytes) ? Buffer.from(`${from.address}\n`) : bytes;
      const answer = Buffer.concat([this.#banner, said]).subarray(0, MAX_DATAGRAM);
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
