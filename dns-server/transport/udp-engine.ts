import { ok, type Result } from "../../api/result.ts";
import { loadUdpBatch } from "../native/load-udp-batch.ts";
import type { ListenError } from "./listen-error.ts";
import { UdpBatchListener } from "./udp-batch-listener.ts";
import { UdpListener, type UdpListenerDeps, type UdpListenerOptions } from "./udp-listener.ts";

/**
 * What moves datagrams: `batch` is the native addon, which must have been built; `dgram` is Node's own module, about
 * three times as costly; `auto` takes the addon where it can be loaded.
 */
export type UdpEngine = "auto" | "batch" | "dgram";

export interface UdpEngineOptions extends UdpListenerOptions {
  readonly udpEngine: UdpEngine;
}

interface AnyUdpListener {
  start(): Promise<Result<number, ListenError>>;
  stop(): void;
}

/** Fails only when `batch` was asked for and is not there. */
export function makeUdpListener(
  options: UdpEngineOptions,
  deps: UdpListenerDeps,
): Result<AnyUdpListener, string> {
  if (options.udpEngine === "dgram") return ok(new UdpListener(options, deps));
  const addon = loadUdpBatch();
  if (addon.ok) return ok(new UdpBatchListener(options, deps, addon.value));
  if (options.udpEngine === "batch") return addon;
  deps.log.info("udp goes without the native addon", { reason: addon.error });
  return ok(new UdpListener(options, deps));
}
