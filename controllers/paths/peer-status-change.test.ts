import { describe, expect, test } from "vitest";
import type { PeerStatus } from "../../api/network/peer.ts";
import { peerEvents, statusToWrite } from "./peer-status-change.ts";

function aStatus(fields: Partial<PeerStatus> = {}, rttMs = 10, lossPercent = 0): PeerStatus {
  return {
    backend: "underlay",
    since: "2026-01-01T00:00:00Z",
    reason: "first of those both sides have",
    dead: false,
    paths: [{ backend: "underlay", state: "up", rttMs, lossPercent, mtu: 1_500 }],
    ...fields,
  };
}

describe("figures that hardly change are no news", () => {
  test.each([
    { name: "a round trip that jitters", rttMs: 11.9, lossPercent: 0, isNews: false },
    { name: "a round trip that changes", rttMs: 12.1, lossPercent: 0, isNews: true },
    { name: "a loss of half a percent", rttMs: 10, lossPercent: 0.5, isNews: false },
    { name: "a loss of two percent", rttMs: 10, lossPercent: 2, isNews: true },
  ])("$name", ({ rttMs, lossPercent, isNews }) => {
    const before = aStatus();
    const written = statusToWrite(before, aStatus({}, rttMs, lossPercent));
    if (isNews) expect(written).not.toEqual(before);
    else expect(written).toEqual(before);
  });

  test("with another state they are all told", () => {
    const down = aStatus({ paths: [{ backend: "underlay", state: "down", rttMs: 10.1 }] });
    expect(statusToWrite(aStatus(), down)).toEqual(down);
  });
});

describe("events", () => {
  test.each([
    { name: "on first sight", before: undefined, now: aStatus(), want: [] },
    { name: "nothing new", before: aStatus(), now: aStatus({ reason: "other words" }), want: [] },
    {
      name: "another path",
      before: aStatus(),
      now: aStatus({ backend: "vxlan", reason: "underlay is down" }),
      want: ["Normal PathChanged underlay -> vxlan: underlay is down"],
    },
    {
      name: "dead",
      before: aStatus(),
      now: aStatus({ dead: true, reason: "no path is up" }),
      want: ["Warning Unreachable no path is up"],
    },
    {
      name: "dead on first sight",
      before: undefined,
      now: aStatus({ dead: true, reason: "pod networks overlap" }),
      want: ["Warning Unreachable pod networks overlap"],
    },
    {
      name: "alive again, over another path: one Event",
      before: aStatus({ dead: true }),
      now: aStatus({ backend: "proxy", reason: "r" }),
      want: ["Normal Reachable over proxy: r"],
    },
  ])("$name", ({ before, now, want }) => {
    const told = peerEvents(before, now).map(
      ({ type, reason, note }) => `${type} ${reason} ${note}`,
    );
    expect(told).toEqual(want);
  });

  const overlap = "pod networks overlap: 10.1.0.0/16 here, 10.1.2.0/24 in b";
  const ruledOut = { backend: "underlay", state: "down", reason: overlap } as const;
  const overVxlan = aStatus({
    backend: "vxlan",
    paths: [{ backend: "vxlan", state: "up" }, ruledOut],
  });
  const nothingElse = aStatus({ dead: true, reason: `underlay: ${overlap}`, paths: [ruledOut] });
  test.each([
    {
      name: "at join, though another path is used",
      before: undefined,
      now: overVxlan,
      want: ["NetworksOverlap"],
    },
    {
      name: "at join, and nothing else leads there",
      before: undefined,
      now: nothingElse,
      want: ["Unreachable", "NetworksOverlap"],
    },
    { name: "known already", before: overVxlan, now: overVxlan, want: [] },
    { name: "over", before: overVxlan, now: { ...overVxlan, paths: [] }, want: [] },
  ])("networks that overlap: $name", ({ before, now, want }) => {
    const told = peerEvents(before, now);
    expect(told.map(({ reason }) => reason)).toEqual(want);
    for (const { type, note } of told)
      expect([type, note.includes(overlap)]).toEqual(["Warning", true]);
  });
});
