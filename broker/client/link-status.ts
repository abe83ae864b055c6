import type { Logger } from "../../runtime/log/log.ts";
import type { LinkStatus } from "./broker-link.ts";
import type { ClientState } from "./client-step.ts";

type Connected = Extract<LinkStatus, { kind: "connected" }>;

/** What the step machine's state means to controllers. */
export function linkStatusOf(
  state: ClientState,
  connected: () => Omit<Connected, "kind">,
): LinkStatus {
  if (state.kind === "open") return { kind: "connected", ...connected() };
  if (state.kind !== "waiting" && state.kind !== "opening") {
    return { kind: "connecting", attempt: 0 };
  }
  const { attempt, end } = state;
  if (end === undefined) return { kind: "connecting", attempt };
  return end.kind === "rejected"
    ? { kind: "rejected", reason: end.reason }
    : { kind: "connecting", attempt, lastError: end.reason };
}

/** Says what became of the connection. */
export function logConnection(state: ClientState, log: Logger): void {
  if (state.kind === "open") log.info("connected to broker");
  if (state.kind !== "waiting") return;
  const fields = { attempt: state.attempt, err: state.end.reason };
  if (state.end.kind === "rejected") log.error("rejected by broker", fields);
  else log.warn("connection to broker lost", fields);
}
