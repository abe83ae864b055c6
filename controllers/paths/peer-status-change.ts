import { OVERLAP_REASON, type PathStatus, type PeerStatus } from "../../api/network/peer.ts";
import type { EventDraft } from "../events/event-draft.ts";

/** Less is no news worth a write: a round trip is never the same twice (I9). */
const RTT_NEWS = 0.2;
const LOSS_NEWS_PERCENT = 1;

/**
 * The status to write: as it is now, but with the figures that stand where they have hardly changed. The same as `before`
 * when there is nothing to tell.
 */
export function statusToWrite(before: PeerStatus | undefined, now: PeerStatus): PeerStatus {
  return {
    ...now,
    paths: now.paths.map((path) =>
      withStandingFigures(
        before?.paths.find(({ backend }) => backend === path.backend),
        path,
      ),
    ),
  };
}

/** What is worth telling a person: another path, a peer that can or cannot be reached, networks that overlap. */
export function peerEvents(before: PeerStatus | undefined, now: PeerStatus): readonly EventDraft[] {
  return [...reachEvents(before, now), ...overlapEvents(before, now)];
}

function reachEvents(before: PeerStatus | undefined, now: PeerStatus): readonly EventDraft[] {
  const note = now.reason ?? "";
  const action = "Selecting";
  if (now.dead === true && before?.dead !== true) {
    return [{ type: "Warning", reason: "Unreachable", action, note }];
  }
  if (before?.dead === true && now.dead !== true) {
    const over = now.backend ?? "no backend";
    return [{ type: "Normal", reason: "Reachable", action, note: `over ${over}: ${note}` }];
  }
  if (before === undefined || before.backend === now.backend) return [];
  const path = `${before.backend ?? "none"} -> ${now.backend ?? "none"}`;
  return [{ type: "Normal", reason: "PathChanged", action, note: `${path}: ${note}` }];
}

/** Also where another path is used: whoever joined expects the simple one, and is to know why it is not. */
function overlapEvents(before: PeerStatus | undefined, now: PeerStatus): readonly EventDraft[] {
  const note = overlapOf(now);
  if (note === undefined || note === overlapOf(before)) return [];
  return [{ type: "Warning", reason: "NetworksOverlap", action: "Selecting", note }];
}

function overlapOf(status: PeerStatus | undefined): string | undefined {
  return status?.paths.find(({ reason }) => reason?.startsWith(OVERLAP_REASON) === true)?.reason;
}

function withStandingFigures(before: PathStatus | undefined, now: PathStatus): PathStatus {
  if (before === undefined || before.state !== now.state) return now;
  const { rttMs, lossPercent } = before;
  const standsRtt =
    rttMs !== undefined &&
    now.rttMs !== undefined &&
    Math.abs(now.rttMs - rttMs) <= RTT_NEWS * rttMs;
  const standsLoss =
    lossPercent !== undefined &&
    now.lossPercent !== undefined &&
    Math.abs(now.lossPercent - lossPercent) < LOSS_NEWS_PERCENT;
  return { ...now, ...(standsRtt && { rttMs }), ...(standsLoss && { lossPercent }) };
}
