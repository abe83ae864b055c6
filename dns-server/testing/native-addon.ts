import { loadUdpBatch } from "../native/load-udp-batch.ts";
import type { UdpEngine } from "../transport/udp-engine.ts";

/** The addon is optional: its tests are skipped without it, and one of them says in CI that it must be there. */
export const HAS_ADDON = loadUdpBatch().ok;

/** Every engine that can be tested here. */
export const UDP_ENGINES: readonly UdpEngine[] = HAS_ADDON ? ["dgram", "batch"] : ["dgram"];
