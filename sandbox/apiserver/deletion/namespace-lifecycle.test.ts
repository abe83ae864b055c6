import { beforeEach, describe, expect, test } from "vitest";
import { aConfigMap, TestCore } from "../testing/test-core.ts";

const SHOP = "/api/v1/namespaces/shop";
const MERGE = { headers: { "content-type": "application/merge-patch+json" } };

let world: TestCore;
beforeEach(() => {
  world = new TestCore();
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "shop" } };
  expect(world.ask("POST", "/api/v1/namespaces", namespace).status).toBe(201);
});

describe("a deleted namespace", () => {
  test("goes with all that is in it", () => {
    world.ask("POST", `${SHOP}/configmaps`, aConfigMap("a"));
    world.ask("POST", `${SHOP}/events`, anEvent("e"));
    const answer = world.ask("DELETE", SHOP);
    expect(answer.body).toMatchObject({ status: { phase: "Terminating" } });
    world.settle();
    expect(world.ask("GET", SHOP).status).toBe(404);
    for (const plural of ["configmaps", "events"]) {
      expect(world.ask("GET", `/api/v1/${plural}`).body).toMatchObject({ items: [] });
    }
  });

  test("waits for finalizers, and says what it waits for", () => {
    const held = { finalizers: ["example.com/hold"] };
    world.ask("POST", `${SHOP}/configmaps`, aConfigMap("a", held));
    world.ask("DELETE", SHOP);
    world.settle();
    const { body } = world.ask("GET", SHOP);
    expect(body).toMatchObject({
      status: {
        phase: "Terminating",
        conditions: expect.arrayContaining([
          expect.objectContaining({
            type: "NamespaceContentRemaining",
            status: "True",
            message: "Some resources are remaining: configmaps. has 1 resource instances",
          }),
          expect.objectContaining({
            type: "NamespaceFinalizersRemaining",
            message:
              "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
          }),
        ]),
      },
    });
    world.ask("PATCH", `${SHOP}/configmaps/a`, { metadata: { finalizers: null } }, MERGE);
    world.settle();
    expect(world.ask("GET", SHOP).status).toBe(404);
  });

  test("takes nothing new (IMP-07 rests on this cause)", () => {
    world.ask("POST", `${SHOP}/configmaps`, aConfigMap("a", { finalizers: ["example.com/hold"] }));
    world.ask("DELETE", SHOP);
    expect(world.ask("POST", `${SHOP}/configmaps`, aConfigMap("late"))).toMatchObject({
      status: 403,
      body: { details: { causes: [{ reason: "NamespaceTerminating" }] } },
    });
  });

  test("a second deletion and an unchanged wait write nothing (I9)", () => {
    world.ask("POST", `${SHOP}/configmaps`, aConfigMap("a", { finalizers: ["example.com/hold"] }));
    world.ask("DELETE", SHOP);
    world.settle();
    const { revision } = world.core.state.store;
    world.ask("DELETE", SHOP);
    world.settle();
    expect(world.core.state.store.revision).toBe(revision);
  });
});

test("creating in a namespace that does not exist is 404", () => {
  const answer = world.ask("POST", "/api/v1/namespaces/none/configmaps", aConfigMap("a"));
  expect(answer).toMatchObject({ status: 404, body: { message: 'namespaces "none" not found' } });
});

function anEvent(name: string): object {
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name },
    involvedObject: { kind: "ConfigMap", namespace: "shop", name: "a" },
    reason: "R",
    message: "m",
    type: "Normal",
  };
}
