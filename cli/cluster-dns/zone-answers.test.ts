import { expect, test } from "vitest";
import { err, ok } from "../../api/result.ts";
import type { DnsFact } from "../ask-dns/dns-fact.ts";
import { type AskedPod, judgeZone, type ZoneAnswers } from "./zone-answers.ts";

const said = (rcode: string, ...addresses: readonly string[]): DnsFact => ({
  kind: "answered",
  server: "pod",
  type: "A",
  rcode,
  addresses,
});
const pod = (name: string, answer?: AskedPod["answer"]): AskedPod => ({
  name,
  isReady: true,
  ...(answer === undefined ? {} : { answer }),
});
const good = pod("good", ok(said("NOERROR")));
const silent: DnsFact = { kind: "silent", server: "pod", why: "nothing by TCP within 2000 ms" };

test.each<{
  readonly of: string;
  readonly pods: readonly AskedPod[];
  readonly state: ZoneAnswers["state"];
  readonly why?: string;
}>([
  { of: "every pod", pods: [good, good], state: "answered" },
  {
    of: "one that has not heard of the zone, beside one that has",
    pods: [good, pod("old", ok(said("NXDOMAIN")))],
    state: "not yet",
    why: "pod old has not read its changed configuration: it answers clusterset.local with NXDOMAIN",
  },
  {
    of: "one whose resolver has an address for whatever is asked",
    pods: [pod("old", ok(said("NOERROR", "198.51.100.7")))],
    state: "not yet",
    why: "pod old has not read its changed configuration: it answers clusterset.local with 198.51.100.7",
  },
  {
    of: "one that serves no zone but the cluster's",
    pods: [pod("old", ok(said("REFUSED")))],
    state: "not yet",
    why: "REFUSED",
  },
  {
    of: "one that sends the zone to where nobody answers yet",
    pods: [pod("new", ok(said("SERVFAIL")))],
    state: "not yet",
    why: "Isthmus's DNS server is not ready",
  },
  { of: "a silent one", pods: [good, pod("dead", ok(silent))], state: "not yet", why: silent.why },
  {
    of: "pods of which none is ready",
    pods: [{ name: "a", isReady: false }],
    state: "not yet",
    why: "of 1 pods of the cluster's DNS none is ready",
  },
  {
    of: "one that is not ready, beside one that answers",
    pods: [good, { name: "new", isReady: false }],
    state: "answered",
  },
  {
    of: "one that nobody may ask: not green",
    pods: [good, pod("shut", err("may not"))],
    state: "not tested",
    why: "may not",
  },
  {
    of: "one that is late, beside one that nobody may ask: it is known not to be so",
    pods: [pod("shut", err("may not")), pod("old", ok(said("NXDOMAIN")))],
    state: "not yet",
    why: "pod old",
  },
  { of: "no pod", pods: [], state: "not tested", why: "no pods that can be asked" },
])("$of: $state", ({ pods, state, why }) => {
  const judged = judgeZone(pods);
  expect(judged.state).toBe(state);
  expect("why" in judged ? judged.why : "").toContain(why ?? "");
});
