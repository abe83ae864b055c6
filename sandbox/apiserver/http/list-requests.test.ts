import { beforeEach, describe, expect, test } from "vitest";
import { aConfigMap, CONFIG_MAPS, TestCore } from "../testing/test-core.ts";

interface List {
  readonly metadata: {
    readonly continue?: string;
    readonly remainingItemCount?: number;
    readonly resourceVersion: string;
  };
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
}

let world: TestCore;
beforeEach(() => {
  world = new TestCore({ historyLimit: 50 });
  for (const name of ["a", "b", "c", "d", "e"]) create(name);
});

function create(name: string): void {
  expect(world.ask("POST", CONFIG_MAPS, aConfigMap(name)).status).toBe(201);
}

function list(query: string): List {
  const answer = world.ask("GET", `${CONFIG_MAPS}?${query}`);
  expect(answer.status).toBe(200);
  return answer.body as List;
}

function names({ items }: List): string {
  return items.map(({ metadata }) => metadata.name).join("");
}

describe("pages", () => {
  test("show the state of the first page, whatever happens between them", () => {
    const first = list("limit=2");
    expect(names(first)).toBe("ab");
    expect(first.metadata.remainingItemCount).toBe(3);
    create("bb");
    world.ask("DELETE", `${CONFIG_MAPS}/d`);
    const second = list(`limit=2&continue=${first.metadata.continue}`);
    expect(names(second)).toBe("cd");
    expect(second.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    const last = list(`limit=2&continue=${second.metadata.continue}`);
    expect(names(last)).toBe("e");
    expect(last.metadata.continue).toBeUndefined();
    expect(names(list(""))).toBe("abbbce");
  });

  test("an expired token is 410 with one that goes on inconsistently", () => {
    const first = list("limit=2");
    for (let at = 0; at < 200; at += 1) create(`x${at}`);
    const expired = world.ask("GET", `${CONFIG_MAPS}?limit=2&continue=${first.metadata.continue}`);
    expect(expired).toMatchObject({ status: 410, body: { reason: "Expired", code: 410 } });
    const { metadata } = expired.body as { metadata: { continue: string } };
    const second = list(`limit=2&continue=${metadata.continue}`);
    expect(names(second)).toBe("cd");
    expect(Number(second.metadata.resourceVersion)).toBe(world.core.state.store.revision);
  });

  test("a list from the cache is not cut", () => {
    expect(names(list("limit=2&resourceVersion=0"))).toBe("abcde");
  });

  test("remainingItemCount is left out where it would have to be counted", () => {
    const page = list("limit=2&labelSelector=!none");
    expect(page.metadata.continue).toBeDefined();
    expect(page.metadata.remainingItemCount).toBeUndefined();
  });
});

describe("resourceVersionMatch", () => {
  test("Exact shows the past", () => {
    const { revision } = world.core.state.store;
    create("f");
    expect(names(list(`resourceVersion=${revision}&resourceVersionMatch=Exact`))).toBe("abcde");
    expect(names(list(`resourceVersion=${revision}&resourceVersionMatch=NotOlderThan`))).toBe(
      "abcdef",
    );
  });

  test.each([
    ["resourceVersionMatch=Exact", 422],
    ["resourceVersionMatch=Exact&resourceVersion=0", 422],
    ["resourceVersionMatch=Nope&resourceVersion=1", 422],
    ["resourceVersion=9007199254740991", 504],
    ["resourceVersion=abc", 400],
    ["limit=x", 400],
    ["continue=xyz", 400],
  ])("%s is refused with %i", (query, status) => {
    expect(world.ask("GET", `${CONFIG_MAPS}?${query}`).status).toBe(status);
  });

  test("a past that is forgotten is 410", () => {
    for (let at = 0; at < 200; at += 1) create(`x${at}`);
    const query = "resourceVersion=3&resourceVersionMatch=Exact";
    expect(world.ask("GET", `${CONFIG_MAPS}?${query}`)).toMatchObject({
      status: 410,
      body: { message: "The resourceVersion for the provided list is too old." },
    });
  });
});
