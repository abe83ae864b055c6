import { describe, expect, test } from "vitest";
import { rowKey } from "../../../api/broker/row.ts";
import { serviceKey } from "../../../api/service-key.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { Settable } from "../../../runtime/config/settable.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import type { HubPolicy } from "../../policy/cluster-policy.ts";
import { parsePolicy } from "../../policy/parse-policy.ts";
import { testCluster } from "../../wire/row-arbitrary.ts";
import { anExportRow } from "../../wire/test-rows.ts";
import type { MemberLink } from "../member-link.ts";
import type { SavedState } from "../saved/saved-state.ts";
import { MemoryBroker } from "./memory-broker.ts";

const [A, B, C] = [testCluster("a"), testCluster("b"), testCluster("c")];
const SHOP = serviceKey("shop", "web");
const DEV = serviceKey("dev", "web");
const PAY = "slices: {pay: {clusters: [a, b], namespaces: [shop]}}";
const OPEN = "{}";

function policy(text: string): HubPolicy {
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

class World {
  readonly clock = new VirtualClock();
  readonly policy: Settable<HubPolicy>;
  readonly broker: MemoryBroker;
  /** Of a version that does not know of slices. */
  readonly old = new Set<string>();

  constructor(text: string) {
    this.policy = new Settable(policy(text));
    const options = { policy: this.policy, keepsSlices: (id: string) => !this.old.has(id) };
    this.broker = new MemoryBroker(options, { clock: this.clock, random: seededRandom(1) });
  }

  async decree(text: string): Promise<void> {
    this.policy.set(policy(text));
    await this.clock.advance(20_000);
  }

  /** A member that exports shop/web and dev/web. */
  async member(cluster = A, saved?: SavedState): Promise<Member> {
    const link = this.broker.link(cluster, 1, [], false, saved);
    const stop = new AbortController();
    link.setNamespaces(new Set(["shop", "dev"]));
    link.setOwnRows(SHOP, [anExportRow({ cluster })]);
    link.setOwnRows(DEV, [anExportRow({ cluster, namespace: "dev" })]);
    link.markOwnComplete();
    link.start(stop.signal);
    await this.clock.advance(1000);
    return Object.assign(link, { stop: () => stop.abort() });
  }
}

type Member = MemberLink & { stop(): void };

/** Whose export of the service it sees. */
function seen(link: MemberLink, service = SHOP): string {
  return link
    .foreignRows(service)
    .map(({ cluster }) => cluster)
    .toSorted()
    .join("");
}

async function three(text: string) {
  const world = new World(text);
  const [a, b, c] = [await world.member(A), await world.member(B), await world.member(C)];
  const all = (service = SHOP): readonly string[] => [a, b, c].map((link) => seen(link, service));
  return { world, a, b, c, all };
}

describe("slices at the broker", () => {
  test("members inside see each other; one outside sees nothing and adds nothing; other namespaces are as ever", async () => {
    const { a, c, all } = await three(PAY);
    expect(all()).toEqual(["b", "a", ""]);
    expect(all(DEV)).toEqual(["bc", "ac", "ab"]);
    expect(a.slices()?.slices.map(({ name }) => name)).toEqual(["pay"]);
    expect(c.slices()?.slices).toEqual([]);
    expect(c.refusal(rowKey(anExportRow({ cluster: C })))).toContain("must be of a slice");
    expect(c.hasSynced("shop")).toBe(true);
  });

  test("live: made, widened, narrowed and unmade, members see what is so now", async () => {
    const { world, a, all } = await three(OPEN);
    expect(all()).toEqual(["bc", "ac", "ab"]);
    let told = 0;
    a.subscribe((event) => {
      if (event.kind === "slices-changed") told++;
    });
    await world.decree(PAY);
    expect(all()).toEqual(["b", "a", ""]);
    expect(told).toBe(1);
    await world.decree(PAY.replace("[a, b]", "[a, b, c]"));
    expect(all()).toEqual(["bc", "ac", "ab"]);
    await world.decree(PAY.replace("[a, b]", "[a, c]"));
    expect(all()).toEqual(["c", "", "a"]);
    await world.decree(OPEN);
    expect(all()).toEqual(["bc", "ac", "ab"]);
    expect(a.slices()?.slices).toEqual([]);
  });

  test("two slices of one namespace in different clusters do not see each other", async () => {
    const { all } = await three(
      "slices: {x: {clusters: [a, b], namespaces: [shop]}, y: {clusters: [c], namespaces: [shop]}}",
    );
    expect(all()).toEqual(["b", "a", ""]);
  });

  test("a member that does not know of slices is shown nothing of theirs, and everything once they are gone", async () => {
    const world = new World(PAY);
    await world.member(B);
    world.old.add(A);
    const old = await world.member(A);
    expect([seen(old), seen(old, DEV)]).toEqual(["", "b"]);
    await world.decree(OPEN);
    expect([seen(old), seen(old, DEV)]).toEqual(["b", "b"]);
  });

  test("what was hidden when a stream broke is not taken for known: policies may change while a member is away", async () => {
    const { world, a, all } = await three(PAY);
    world.broker.cut(A);
    await world.decree(OPEN);
    expect(seen(a)).toBe("b");
    world.broker.heal(A);
    await world.clock.advance(30_000);
    expect(all()).toEqual(["bc", "ac", "ab"]);
    world.broker.cut(A);
    await world.decree(PAY);
    world.broker.heal(A);
    await world.clock.advance(30_000);
    expect(all()).toEqual(["b", "a", ""]);
  });

  test("the next process of a member begins from what the last one was shown, and under which slices", async () => {
    const { world, a } = await three(PAY);
    const saved = a.saved();
    a.stop();
    await world.decree(OPEN);
    const again = await world.member(A, saved);
    expect(seen(again)).toBe("bc");
  });
});
