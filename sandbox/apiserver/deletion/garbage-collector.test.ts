import { beforeEach, describe, expect, test } from "vitest";
import { type Answer, aConfigMap, CONFIG_MAPS, ownedBy, TestCore } from "../testing/test-core.ts";

let world: TestCore;
beforeEach(() => {
  world = new TestCore();
});

/** Creates a ConfigMap; gives its uid. */
function create(name: string, metadata: object = {}): string {
  const { status, body } = world.ask("POST", CONFIG_MAPS, aConfigMap(name, metadata));
  expect(status).toBe(201);
  return (body as { metadata: { uid: string } }).metadata.uid;
}

function remove(name: string, propagation: string): Answer {
  return world.ask("DELETE", `${CONFIG_MAPS}/${name}?propagationPolicy=${propagation}`);
}

function names(): readonly string[] {
  const { body } = world.ask("GET", CONFIG_MAPS);
  return (body as { items: { metadata: { name: string } }[] }).items.map(
    (one) => one.metadata.name,
  );
}

function metadataOf(name: string): unknown {
  return (world.ask("GET", `${CONFIG_MAPS}/${name}`).body as { metadata: unknown }).metadata;
}

function release(name: string): void {
  const headers = { "content-type": "application/merge-patch+json" };
  const patch = { metadata: { finalizers: null } };
  expect(world.ask("PATCH", `${CONFIG_MAPS}/${name}`, patch, { headers }).status).toBe(200);
  world.settle();
}

describe("background deletion", () => {
  test("takes dependents, and theirs, with the owner", () => {
    const child = create("child", ownedBy("owner", create("owner")));
    create("grandchild", ownedBy("child", child));
    create("stranger");
    remove("owner", "Background");
    world.settle();
    expect(names()).toEqual(["stranger"]);
  });

  test("leaves a dependent that another owner still has, without the dead reference", () => {
    const [gone, stays] = [create("gone"), create("stays")];
    const owners = [ownedBy("gone", gone), ownedBy("stays", stays)].flatMap(
      (one) => (one as { ownerReferences: object[] }).ownerReferences,
    );
    create("child", { ownerReferences: owners });
    remove("gone", "Background");
    world.settle();
    expect(names()).toEqual(["child", "stays"]);
    expect(metadataOf("child")).toMatchObject({ ownerReferences: [{ name: "stays" }] });
  });
});

describe("owners that are not there", () => {
  test.each([
    { what: "that never was", owner: ownedBy("nobody", "1-2-3"), kept: false },
    { what: "of another life", owner: ownedBy("owner", "1-2-3"), kept: false },
    {
      what: "of a kind that is not served",
      owner: ownedBy("x", "1", { kind: "Nope" }),
      kept: true,
    },
  ])("a dependent of one $what is kept: $kept", ({ owner, kept }) => {
    create("owner");
    create("child", owner);
    world.settle();
    expect(names().includes("child")).toBe(kept);
  });
});

describe("foreground deletion", () => {
  test("the owner stays until its blocking dependents are gone", () => {
    const uid = create("owner");
    const held = { finalizers: ["example.com/hold"] };
    create("child", { ...held, ...ownedBy("owner", uid, { blockOwnerDeletion: true }) });
    remove("owner", "Foreground");
    world.settle();
    expect(names()).toEqual(["child", "owner"]);
    expect(metadataOf("owner")).toMatchObject({ finalizers: ["foregroundDeletion"] });
    expect(metadataOf("child")).toHaveProperty("deletionTimestamp");
    release("child");
    expect(names()).toEqual([]);
  });

  test("a dependent that does not block holds nobody up, and still goes", () => {
    const uid = create("owner");
    create("child", { finalizers: ["example.com/hold"], ...ownedBy("owner", uid) });
    remove("owner", "Foreground");
    world.settle();
    expect(names()).toEqual(["child"]);
    expect(metadataOf("child")).toHaveProperty("deletionTimestamp");
  });

  test("goes down the whole tree, leaves first", () => {
    const blocks = { blockOwnerDeletion: true };
    const child = create("child", ownedBy("owner", create("owner"), blocks));
    create("leaf", { finalizers: ["example.com/hold"], ...ownedBy("child", child, blocks) });
    remove("owner", "Foreground");
    world.settle();
    expect(names()).toEqual(["child", "leaf", "owner"]);
    release("leaf");
    expect(names()).toEqual([]);
  });

  test("owners in a circle are both deleted", () => {
    const first = create("first");
    const second = create("second", ownedBy("first", first));
    const headers = { "content-type": "application/merge-patch+json" };
    const patch = { metadata: ownedBy("second", second) };
    world.ask("PATCH", `${CONFIG_MAPS}/first`, patch, { headers });
    remove("first", "Foreground");
    world.settle();
    expect(names()).toEqual([]);
  });
});

test("orphan deletion leaves the dependents, without their owner", () => {
  create("child", ownedBy("owner", create("owner")));
  remove("owner", "Orphan");
  world.settle();
  expect(names()).toEqual(["child"]);
  expect(metadataOf("child")).not.toHaveProperty("ownerReferences");
});
