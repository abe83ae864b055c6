import { beforeEach, expect, test } from "vitest";
import type { KubeObject } from "../../api/kube/object.ts";
import type { PodPlace } from "../../api/kube/pod.ts";
import { ObjectStore } from "../../runtime/kube/reflector/object-store.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { messageText, optionTexts } from "../testing/message-text.ts";
import { SAMPLE_ZONE } from "../testing/sample-zone.ts";
import { clientAt, queryPacket, testResponder } from "../testing/test-responder.ts";
import { SliceClients } from "./slice-clients.ts";

let scopes: ObjectStore<KubeObject>;
let pods: ObjectStore<PodPlace>;
let clients: SliceClients;

beforeEach(() => {
  scopes = new ObjectStore<KubeObject>({}, { log });
  pods = new ObjectStore<PodPlace>({}, { log });
  scopes.put(scope({ namespaces: ["shop"], podSelector: { matchLabels: { app: "web" } } }));
  pods.put(pod("in", { app: "web" }, "10.1.0.5"));
  clients = new SliceClients({ scopes, pods, log });
});

let version = 0;

function scope(spec: object): KubeObject {
  const metadata = { name: "pay", resourceVersion: `${++version}` };
  const whole = { spec: { clusters: ["east", "west"], ...spec } };
  return { apiVersion: "isthmus.dev/v1alpha1", kind: "Slice", metadata, ...whole };
}

function pod(
  name: string,
  labels: Record<string, string>,
  ip: string,
  namespace = "shop",
): PodPlace {
  const metadata = { name, namespace, labels, resourceVersion: `${++version}` };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    status: { phase: "Running", podIPs: [{ ip }] },
  };
}

const WEB = "web.shop.svc.clusterset.local A";

test("a client in the slice is answered; to others its names are not there, whether they are or not, and EDE says why", () => {
  pods.put(pod("other", { app: "web" }, "10.1.0.6", "dev"));
  pods.put(pod("db", { app: "db" }, "10.1.0.7"));
  const { send } = testResponder(SAMPLE_ZONE, { hides: clients.hides });
  const ask = (name: string, address: string) => send(queryPacket(name), "udp", clientAt(address));
  for (const inside of ["10.1.0.5", "::ffff:10.1.0.5"]) {
    expect(messageText(ask(WEB, inside))[0]).toBe("NOERROR aa");
  }
  // The answer is known by now: it is kept from others all the same.
  for (const outside of ["10.1.0.6", "10.1.0.7", "192.0.2.1"]) {
    const hidden = ask(WEB, outside);
    expect(messageText(hidden)[0]).toBe("NXDOMAIN aa");
    expect(optionTexts(hidden)).toEqual([
      "EDE 18 namespace is of a slice that the client is not in",
    ]);
    const absent = ask("nothing.shop.svc.clusterset.local A", outside);
    expect(messageText(absent)).toEqual(messageText(hidden));
    expect(optionTexts(absent)).toEqual(optionTexts(hidden));
    expect(messageText(ask("shop.svc.clusterset.local A", outside))[0]).toBe("NXDOMAIN aa");
    expect(messageText(ask("clusterset.local SOA", outside))[0]).toBe("NOERROR aa");
  }
});

test("pods come, change and go, addresses move on, and slices change", () => {
  const hidesShop = (address: string): boolean => clients.hides(address, "shop");
  expect([hidesShop("10.1.0.5"), hidesShop("10.1.0.8")]).toEqual([false, true]);
  pods.put(pod("in", { app: "web" }, "10.1.0.8"));
  expect([hidesShop("10.1.0.5"), hidesShop("10.1.0.8")]).toEqual([true, false]);
  pods.put(pod("heir", {}, "10.1.0.8"));
  pods.remove("shop/in");
  expect(hidesShop("10.1.0.8")).toBe(true);
  scopes.put(scope({ namespaces: ["shop"] }));
  expect(hidesShop("10.1.0.8")).toBe(false);
  expect(clients.hides("192.0.2.1", "dev")).toBe(false);
  // One that cannot be read changes nothing.
  scopes.put(scope({ namespaces: [] }));
  expect(hidesShop("192.0.2.1")).toBe(true);
  scopes.remove("pay");
  expect(hidesShop("192.0.2.1")).toBe(false);
  clients.stop();
});
