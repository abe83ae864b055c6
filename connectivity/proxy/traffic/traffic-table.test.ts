import { expect, test } from "vitest";
import { parseClusterId } from "../../../api/cluster-id.ts";
import { TrafficTable } from "./traffic-table.ts";

const parsed = parseClusterId("east");
if (!parsed.ok) throw new Error(parsed.error);
const east = parsed.value;

test("sums are of all, lines of those that were used last", () => {
  const table = new TrafficTable();
  for (let n = 1; n <= 5; n++) {
    const entry = table.entry("out", east, `shop/s${n}`, n);
    entry.connections = n;
    entry.outcomes.set("done", n).set("timeout", 1);
  }
  table.entry("out", east, "shop/s1", 6);
  const summary = table.summary(2);
  expect(summary).toMatchObject({ connections: 15, failed: 5, leftOut: 3 });
  expect(summary.services.map(({ service }) => service)).toEqual(["shop/s1", "shop/s5"]);
  expect(summary.services[0]?.errors).toEqual({ timeout: 1 });
  expect(summary.services[0]).not.toHaveProperty("connectMs");
});

test("who was used longest ago makes room, unless a connection is open", () => {
  const table = new TrafficTable(2);
  table.entry("in", east, "shop/open", 1).open = 1;
  table.entry("in", east, "shop/old", 2);
  table.entry("in", east, "shop/new", 3);
  expect([...table.all()].map(({ service }) => service)).toEqual(["shop/open", "shop/new"]);
});
