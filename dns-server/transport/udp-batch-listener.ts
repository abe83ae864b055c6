import { err, ok, type Result } from "../../api/result.ts";
import {
  BATCH,
  type BatchMemory,
  type BatchSocket,
  CLIENT_BYTES,
  SLOT_BYTES,
  type UdpBatchAddon,
} from "../native/load-udp-batch.ts";
import { BatchClient } from "./batch-client.ts";
import { fromListenError, type ListenError } from "./listen-error.ts";
import { OverloadGuard } from "./overload-guard.ts";
import type { UdpListenerDeps, UdpListenerOptions } from "./udp-listener.ts";

/** As UdpListener, over the addon: one call of JavaScript per batch, no object per datagram. */
export class UdpBatchListener {
  readonly #options: UdpListenerOptions;
  readonly #deps: UdpListenerDeps;
  readonly #addon: UdpBatchAddon;
  readonly #requests = makeSlots(SLOT_BYTES);
  readonly #responses = makeSlots(SLOT_BYTES);
  readonly #clients = Buffer.alloc(BATCH * CLIENT_BYTES);
  readonly #client = new BatchClient(this.#clients, (client, response) => {
    if (this.#socket?.send(client, response) !== true) this.#deps.dropped("send-failed");
  });
  readonly #lengths = new Uint16Array(BATCH);
  #socket: BatchSocket | undefined;
  #guard: OverloadGuard | undefined;

  constructor(options: UdpListenerOptions, deps: UdpListenerDeps, addon: UdpBatchAddon) {
    this.#options = options;
    this.#deps = deps;
    this.#addon = addon;
  }

  /** The port taken. A host must be an address, not a name. */
  start(): Promise<Result<number, ListenError>> {
    const { host = "::", port, reusePort, queueBytes } = this.#options;
    const memory: BatchMemory = {
      requests: this.#requests.memory,
      responses: this.#responses.memory,
      clients: this.#clients,
      lengths: this.#lengths,
    };
    try {
      const options = { host, port, reusePort, queueBytes };
      this.#socket = this.#addon.open(options, memory, this.#onBatch);
      this.#guard = new OverloadGuard(this.#socket, this.#deps);
      this.#guard.start();
      return Promise.resolve(ok(this.#socket.port));
    } catch (cause) {
      return Promise.resolve(err(fromListenError("udp", this.#options, cause)));
    }
  }

  stop(): void {
    this.#guard?.stop();
    this.#socket?.close();
    this.#socket = undefined;
  }

  // HOT: runs for each datagram.
  readonly #onBatch = (count: number): void => {
    for (let failed = count; failed < 0; failed++) this.#deps.dropped("send-failed");
    for (let slot = 0; slot < count; slot++) {
      this.#lengths[slot] = this.#answer(slot, this.#lengths[slot] ?? 0);
    }
    // The client is that of the last datagram.
    if (count > 0 && this.#guard?.wantsClient() === true) this.#guard.saw(this.#client.address);
  };

  #answer(slot: number, length: number): number {
    const request = this.#requests.slots[slot];
    const response = this.#responses.slots[slot];
    if (request === undefined || response === undefined) return 0;
    this.#client.moveTo(slot);
    // A forged datagram may come from port 0, which nothing can be sent to.
    if (!this.#client.hasPort) {
      this.#deps.dropped("no-source-port");
      return 0;
    }
    const bytes = this.#deps.answer(request, length, "udp", response, this.#client);
    if (bytes === 0) this.#deps.dropped("unanswerable");
    // NOTHING_NOW: as far as this batch is concerned there is no response.
    return bytes < 0 ? 0 : bytes;
  }
}

interface Slots {
  readonly memory: Buffer;
  readonly slots: readonly Buffer[];
}

/** One piece of memory, and a view of each slot that lives as long: making views costs more than answering. */
function makeSlots(bytes: number): Slots {
  const memory = Buffer.alloc(BATCH * bytes);
  const slots = Array.from({ length: BATCH }, (_, slot) =>
    memory.subarray(slot * bytes, (slot + 1) * bytes),
  );
  return { memory, slots };
}
