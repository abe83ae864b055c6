import { describe, expect, test } from "vitest";
import { rowKey } from "../../api/broker/row.ts";
import { serviceKey } from "../../api/service-key.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anEndpointsRow, anExportRow } from "../wire/test-rows.ts";
import type { BrokerLink, LinkEvent, LinkStatus } from "./broker-link.ts";

/** What the suite needs of an adapter: a broker, links of its members, and faults. */
export interface LinkWorld extends AsyncDisposable {
  /** A started link; a second one of the same cluster is its next process. */
  link(cluster: "a" | "b"): Promise<BrokerLink & { stop(): void }>;
  stopBroker(): Promise<void>;
  /** With what it had stored. */
  startBroker(): Promise<void>;
  /** Lets time pass until the condition holds; fails when it does not within the adapter's bound. */
  until(condition: () => boolean): Promise<void>;
}

const WEB = serviceKey("shop", "web");
const A = testCluster("a");
const exported = anExportRow({ cluster: A });
const slice = anEndpointsRow({ cluster: A });
const SHOP = new Set(["shop"]);

function rowsOf(link: BrokerLink): number {
  return link.foreignRows(WEB).length;
}

/** What every BrokerLink does, over whatever it runs. */
export function describeBrokerLink(name: string, make: () => Promise<LinkWorld>): void {
  describe(`broker link over ${name}`, () => {
    test("one cluster's rows arrive in the other, change and go", async () => {
      await using world = await make();
      const [a, b] = [await world.link("a"), await world.link("b")];
      const events: LinkEvent[] = [];
      b.subscribe((event) => events.push(event));
      a.setNamespaces(SHOP);
      b.setNamespaces(SHOP);
      a.setOwnRows(WEB, [exported, slice]);
      expect(a.isStored(rowKey(exported))).toBe(false);
      a.markOwnComplete();
      b.markOwnComplete();
      await world.until(() => b.foreignRows(WEB).length === 2 && b.hasSynced());
      expect(b.foreignRows(WEB)).toEqual(expect.arrayContaining([exported, slice]));
      expect([...b.foreignServices()]).toEqual([WEB]);
      expect(events).toContainEqual({ kind: "service-changed", service: WEB });
      expect(a.foreignRows(WEB)).toEqual([]);
      await world.until(() => a.isStored(rowKey(exported)) && a.isStored(rowKey(slice)));
      a.setOwnRows(WEB, [{ ...exported, createdAtMs: 5 }]);
      await world.until(() => b.foreignRows(WEB).length === 1);
      await world.until(() => JSON.stringify(b.foreignRows(WEB)).includes('"createdAtMs":5'));
      a.setOwnRows(WEB, []);
      await world.until(() => b.foreignRows(WEB).length === 0);
      expect([...b.foreignServices()]).toEqual([]);
    });

    test("a namespace wanted later is known only when its rows have come (CON-11)", async () => {
      await using world = await make();
      const [a, b] = [await world.link("a"), await world.link("b")];
      a.setNamespaces(SHOP);
      b.setNamespaces(new Set(["other"]));
      a.setOwnRows(WEB, [exported]);
      a.markOwnComplete();
      await world.until(() => a.isStored(rowKey(exported)) && b.hasSynced("other"));
      const seen: (readonly [boolean, number])[] = [];
      b.subscribe((event) => {
        if (event.kind === "synced") seen.push([event.namespaces.has("shop"), rowsOf(b)]);
      });
      b.setNamespaces(new Set(["other", "shop"]));
      expect([b.hasSynced(), b.hasSynced("other"), b.hasSynced("shop")]).toEqual([
        true,
        true,
        false,
      ]);
      await world.until(() => b.hasSynced("shop"));
      expect(seen).toEqual([[true, 1]]);
      b.setNamespaces(new Set(["other"]));
      expect(b.hasSynced("shop")).toBe(false);
    });

    test("only namespaces that are wanted arrive, and leave when they no longer are (IMP-03)", async () => {
      await using world = await make();
      const [a, b] = [await world.link("a"), await world.link("b")];
      const other = anExportRow({ cluster: A, namespace: "other" });
      a.setNamespaces(SHOP);
      b.setNamespaces(new Set());
      a.setOwnRows(WEB, [exported]);
      a.setOwnRows(serviceKey("other", "web"), [other]);
      a.markOwnComplete();
      await world.until(() => a.isStored(rowKey(other)) && b.hasSynced());
      expect([...b.foreignServices()]).toEqual([]);
      b.setNamespaces(new Set(["other"]));
      await world.until(() => b.foreignRows(serviceKey("other", "web")).length === 1);
      b.setNamespaces(SHOP);
      expect([...b.foreignServices()]).toEqual([]);
      await world.until(() => b.foreignRows(WEB).length === 1);
      expect([...b.foreignServices()]).toEqual([WEB]);
    });

    test("losing the broker changes nothing, and what changed meanwhile travels after it is back (I7)", async () => {
      await using world = await make();
      const [a, b] = [await world.link("a"), await world.link("b")];
      a.setNamespaces(SHOP);
      b.setNamespaces(SHOP);
      a.setOwnRows(WEB, [exported]);
      a.markOwnComplete();
      await world.until(() => b.foreignRows(WEB).length === 1 && b.hasSynced());
      await world.stopBroker();
      await world.until(() => b.status().kind === "connecting");
      expect(b.foreignRows(WEB)).toEqual([exported]);
      expect(b.hasSynced()).toBe(true);
      a.setOwnRows(WEB, [exported, slice]);
      await world.startBroker();
      await world.until(() => b.foreignRows(WEB).length === 2);
    });

    test("coming back to an unchanged world changes nothing and says nothing (I9)", async () => {
      await using world = await make();
      const [a, b] = [await world.link("a"), await world.link("b")];
      a.setNamespaces(SHOP);
      b.setNamespaces(SHOP);
      a.setOwnRows(WEB, [exported, slice]);
      a.markOwnComplete();
      b.markOwnComplete();
      await world.until(() => b.foreignRows(WEB).length === 2 && a.isStored(rowKey(slice)));
      await world.until(() => a.hasSynced() && b.hasSynced());
      const events: LinkEvent[] = [];
      for (const link of [a, b]) link.subscribe((event) => events.push(event));
      await world.stopBroker();
      await world.until(() => [a, b].every((link) => link.status().kind === "connecting"));
      await world.startBroker();
      await world.until(() => [a, b].every((link) => isSynced(link.status())));
      const said = new Set(["connection-changed", "peers-changed"]);
      expect(events.filter(({ kind }) => !said.has(kind))).toEqual([]);
      expect(a.isStored(rowKey(exported))).toBe(true);
    });

    test("a member that stops withdraws nothing, and its next process only what it no longer wants (I6, CLN-10)", async () => {
      await using world = await make();
      const [a, b] = [await world.link("a"), await world.link("b")];
      a.setNamespaces(SHOP);
      b.setNamespaces(SHOP);
      a.setOwnRows(WEB, [exported, slice]);
      a.markOwnComplete();
      await world.until(() => b.foreignRows(WEB).length === 2);
      a.stop();
      const next = await world.link("a");
      next.setNamespaces(SHOP);
      next.setOwnRows(WEB, [exported]);
      await world.until(() => next.hasSynced() && next.isStored(rowKey(exported)));
      next.markOwnComplete();
      await world.until(() => b.foreignRows(WEB).length === 1);
      expect(b.foreignRows(WEB)).toEqual([exported]);
    });

    test("a row that the broker refuses says why until it is mended", async () => {
      await using world = await make();
      const a = await world.link("a");
      a.setNamespaces(SHOP);
      const bad = {
        ...slice,
        endpoints: slice.endpoints.map((one) => ({ ...one, addresses: ["127.0.0.1"] })),
      };
      a.setOwnRows(WEB, [bad]);
      await world.until(() => a.refusal(rowKey(bad)) !== undefined);
      expect(a.refusal(rowKey(bad))).toContain("127.0.0.1");
      expect(a.isStored(rowKey(bad))).toBe(false);
      a.setOwnRows(WEB, [slice]);
      expect(a.refusal(rowKey(slice))).toBeUndefined();
      await world.until(() => a.isStored(rowKey(slice)));
    });

    test("a row too large for the broker is refused here, and an older version of it withdrawn", async () => {
      await using world = await make();
      const [a, b] = [await world.link("a"), await world.link("b")];
      a.setNamespaces(SHOP);
      b.setNamespaces(SHOP);
      a.setOwnRows(WEB, [exported]);
      a.markOwnComplete();
      await world.until(() => b.foreignRows(WEB).length === 1);
      const huge = { ...exported, annotations: { "a.example/x": "x".repeat(2_000_000) } };
      a.setOwnRows(WEB, [huge]);
      expect(a.refusal(rowKey(huge))).toContain("2000");
      await world.until(() => b.foreignRows(WEB).length === 0);
      expect(a.status().kind).toBe("connected");
    });
  });
}

function isSynced(status: LinkStatus): boolean {
  return status.kind === "connected" && status.synced;
}
