import { beforeEach, describe, expect, test } from "vitest";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Namespace } from "../../api/kube/namespace.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { ObjectStore } from "../../runtime/kube/reflector/object-store.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { aNamespace, anImport, aSlice } from "../testing/objects.ts";
import { testResponder } from "../testing/test-responder.ts";
import { DeadPeersView } from "./dead-peers-view.ts";
import { ZoneSource } from "./zone-source.ts";

const deps = { log: silentLogger };
const QUESTION = "web.shop.svc.clusterset.local A";

let clock: VirtualClock;
let peers: ObjectStore<KubeObject>;
let slices: ObjectStore<EndpointSlice>;
let imports: ObjectStore<ServiceImport>;
let answers: ReturnType<typeof testResponder>;
let published: number;

beforeEach(async () => {
  clock = new VirtualClock();
  peers = new ObjectStore<KubeObject>({}, deps);
  slices = new ObjectStore<EndpointSlice>({}, deps);
  imports = new ObjectStore<ServiceImport>({}, deps);
  const namespaces = new ObjectStore<Namespace>({}, deps);
  published = 0;
  const deadPeers = new DeadPeersView(peers);
  const source = new ZoneSource(
    { zone: "clusterset.local" },
    { ...deps, imports, slices, namespaces, deadPeers, clock },
    (zone, changed) => {
      published += 1;
      answers.responder.setZone(zone, changed);
    },
  );
  answers = testResponder(undefined, { ahead: source.ahead });
  namespaces.put(aNamespace("shop"));
  imports.put(anImport({ isHeadless: true }));
  slices.put(aSlice({ cluster: "east", name: "e", endpoints: ["10.1.0.1"] }));
  slices.put(aSlice({ cluster: "west", name: "w", endpoints: ["10.2.0.1"] }));
  for (const view of [imports, slices, namespaces]) view.markSynced();
  source.start();
  await clock.advance(50);
});

let version = 0;
function say(cluster: string, dead: boolean): void {
  version += 1;
  peers.put({
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "Peer",
    metadata: { name: cluster, resourceVersion: String(version) },
    spec: { cluster },
    status: { dead, paths: [] },
  } as KubeObject);
}

async function addresses(): Promise<readonly string[]> {
  await clock.advance(10);
  return addressesNow();
}

/** Before anything can be published. */
function addressesNow(): readonly string[] {
  return answers
    .ask(QUESTION)
    .slice(1)
    .map((line) => line.split(" ").at(-1) ?? "")
    .toSorted();
}

describe("peers that are proved dead (I8)", () => {
  test("leave answers at once, whatever the slices say yet, and return", async () => {
    say("east", false);
    say("west", false);
    expect(await addresses()).toEqual(["10.1.0.1", "10.2.0.1"]);
    say("east", true);
    expect(await addresses()).toEqual(["10.2.0.1"]);
    say("east", false);
    expect(await addresses()).toEqual(["10.1.0.1", "10.2.0.1"]);
  });

  test("no answer waits for the zone: not what was compiled before, not what never was", async () => {
    say("east", false);
    say("west", false);
    expect(await addresses()).toEqual(["10.1.0.1", "10.2.0.1"]);
    const before = published;
    say("east", true);
    expect(addressesNow()).toEqual(["10.2.0.1"]);
    const host = "10-1-0-1.east.web.shop.svc.clusterset.local A";
    expect(answers.ask(host)[0]).toMatch(/^NXDOMAIN/);
    const other = "10-2-0-1.west.web.shop.svc.clusterset.local A";
    expect(answers.ask(other)[0]).toMatch(/^NOERROR/);
    // Something else becomes known of it before the zone has any of it.
    slices.put(aSlice({ cluster: "west", name: "w", endpoints: ["10.2.0.2"] }));
    expect(addressesNow()).toEqual(["10.2.0.2"]);
    expect(published).toBe(before);
    expect(await addresses()).toEqual(["10.2.0.2"]);
    expect(published).toBe(before + 1);
    say("east", false);
    expect(addressesNow()).toEqual(["10.1.0.1", "10.2.0.2"]);
  });

  test("dead and alive again before the zone has any of it: what was told meanwhile is told no more", async () => {
    say("east", false);
    say("west", false);
    expect(await addresses()).toEqual(["10.1.0.1", "10.2.0.1"]);
    say("east", true);
    expect(addressesNow()).toEqual(["10.2.0.1"]);
    say("east", false);
    expect(await addresses()).toEqual(["10.1.0.1", "10.2.0.1"]);
  });

  test("of thousands of services the zone follows bit by bit, and every answer and change goes before", async () => {
    say("east", false);
    say("west", false);
    const names = Array.from({ length: 500 }, (_, at) => `many-${at}`);
    for (const name of names) {
      const key = `shop/${name}`;
      imports.put(anImport({ key, isHeadless: true }));
      slices.put(aSlice({ key, cluster: "east", name: `${name}-e`, endpoints: ["10.1.0.1"] }));
      slices.put(aSlice({ key, cluster: "west", name: `${name}-w`, endpoints: ["10.2.0.1"] }));
    }
    await clock.advance(10_000);
    const before = published;
    const ask = (name: string): readonly string[] =>
      answers.ask(`${name}.shop.svc.clusterset.local A`).slice(1);
    for (const name of names) expect(ask(name)).toHaveLength(2);
    say("east", true);
    for (const name of names.slice(0, 50)) expect(ask(name)).toHaveLength(1);
    await clock.advance(1);
    imports.put(anImport({ key: "shop/late", ips: ["10.96.0.1"] }));
    await clock.advance(10);
    expect(ask("late")).toHaveLength(1);
    for (const name of names) expect(ask(name)).toHaveLength(1);
    await clock.advance(60_000);
    for (const name of names) expect(ask(name)).toHaveLength(1);
    expect(published).toBeGreaterThan(before);
    const settled = published;
    await clock.advance(60_000);
    expect(published).toBe(settled);
  });

  test("stay when nobody else is ready to answer", async () => {
    say("north", false);
    say("east", true);
    expect(await addresses()).toEqual(["10.2.0.1"]);
    slices.remove("shop/w");
    expect(await addresses()).toEqual(["10.1.0.1"]);
  });

  test("all of them at once: it is we who are cut off", async () => {
    say("east", true);
    say("west", true);
    expect(await addresses()).toEqual(["10.1.0.1", "10.2.0.1"]);
    say("west", false);
    expect(await addresses()).toEqual(["10.2.0.1"]);
  });

  test("a status that says nothing new publishes nothing", async () => {
    say("east", false);
    await clock.advance(50);
    const before = published;
    say("east", false);
    await clock.advance(50);
    expect(published).toBe(before);
  });
});
