import type { ToWorker } from "./worker-messages.ts";
import type { PoolChannel } from "./worker-process.ts";

/** The channel to the pool, in a process that one has started. */
export function poolChannel(): { readonly pool?: PoolChannel } {
  if (process.send === undefined) return {};
  return {
    pool: {
      // Whoever is gone hears nothing: "disconnect" follows.
      send: (message) => void (process.connected && process.send?.(message, () => undefined)),
      onMessage: (listener) =>
        void process.on("message", (message) => listener(message as ToWorker)),
      onDisconnect: (listener) => void process.on("disconnect", listener),
    },
  };
}
