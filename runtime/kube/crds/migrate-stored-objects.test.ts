import { expect, test } from "vitest";
import type { KubeObject } from "../../../api/kube/object.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { VirtualClock } from "../../clock/virtual-clock.ts";
import type { ListPage } from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";
import {
  type MigrateDeps,
  migrateStoredObjects,
  type StoredCrd,
} from "./migrate-stored-objects.ts";

const NAME = "things.example.com";
const CONFLICT: KubeError = { kind: "conflict", message: "changed meanwhile" };

/** A server with one definition and objects stored in versions; `refuse` answers writes of objects in its stead. */
class Server implements MigrateDeps {
  generation = 1;
  storedVersions: readonly string[] = ["v1alpha1", "v1beta1"];
  readonly stored = new Map<string, string>();
  readonly clock = new VirtualClock();
  refuse: (name: string) => KubeError | undefined = () => undefined;

  readonly client: MigrateDeps["client"] = {
    get: <T extends KubeObject>(ref: { readonly name: string }) =>
      this.#answer<T>(ref.name === NAME ? this.definition() : this.#object(ref.name)),
    list: <T extends KubeObject>() => {
      const items = [...this.stored.keys()].map((name) => this.#object(name));
      const page: ListPage<KubeObject> = { items, resourceVersion: "1" };
      return Promise.resolve(ok(page) as unknown as Result<ListPage<T>, KubeError>);
    },
    update: <T extends KubeObject>(_: unknown, object: T) => {
      const { name } = object.metadata;
      if (name === NAME) {
        this.storedVersions = (object as KubeObject as StoredCrd).status?.storedVersions ?? [];
        return this.#answer<T>(object);
      }
      const refusal = this.refuse(name);
      if (refusal !== undefined) return Promise.resolve(err(refusal));
      this.stored.set(name, "v1beta1");
      return this.#answer<T>(object);
    },
  };

  definition(): StoredCrd {
    const version = (name: string, storage: boolean) => ({ name, served: true, storage });
    return {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: NAME, generation: this.generation },
      spec: {
        group: "example.com",
        names: { plural: "things", kind: "Thing" },
        scope: "Namespaced",
        versions: [version("v1beta1", true), version("v1alpha1", false)],
      },
      status: { storedVersions: this.storedVersions },
    };
  }

  #object(name: string): KubeObject {
    return { apiVersion: "example.com/v1beta1", kind: "Thing", metadata: { namespace: "a", name } };
  }

  #answer<T extends KubeObject>(object: KubeObject): Promise<Result<T, KubeError>> {
    return Promise.resolve(ok(object as T));
  }
}

async function migrate(server: Server): Promise<Result<number | undefined, KubeError>> {
  const running = migrateStoredObjects(NAME, server, new AbortController().signal);
  await server.clock.advance(5_000);
  return running;
}

test("VER-06: every object is written anew, then the old version is forgotten; a second run has nothing to do", async () => {
  const server = new Server();
  for (const name of ["one", "two", "three"]) server.stored.set(name, "v1alpha1");
  expect(await migrate(server)).toEqual(ok(3));
  expect([...server.stored.values()]).toEqual(["v1beta1", "v1beta1", "v1beta1"]);
  expect(server.storedVersions).toEqual(["v1beta1"]);
  expect(await migrate(server)).toEqual(ok(undefined));
});

test("an object that somebody changes at the same time is tried again; one that went is done", async () => {
  const server = new Server();
  server.stored.set("busy", "v1alpha1").set("gone", "v1alpha1");
  const busy = [CONFLICT, CONFLICT, undefined];
  server.refuse = (name) =>
    name === "gone" ? { kind: "not-found", message: "none" } : busy.shift();
  expect(await migrate(server)).toEqual(ok(2));
  expect(server.stored.get("busy")).toBe("v1beta1");
  expect(server.storedVersions).toEqual(["v1beta1"]);
});

test.each<{ name: string; fault: (server: Server) => void }>([
  { name: "an object that is refused", fault: (s) => (s.refuse = () => CONFLICT) },
  {
    name: "a definition that was changed meanwhile",
    fault: (s) =>
      (s.refuse = () => {
        s.generation += 1;
        return undefined;
      }),
  },
])("$name: the old version is not forgotten", async ({ fault }) => {
  const server = new Server();
  server.stored.set("one", "v1alpha1");
  fault(server);
  expect(await migrate(server)).toMatchObject({ ok: false, error: { kind: "conflict" } });
  expect(server.storedVersions).toEqual(["v1alpha1", "v1beta1"]);
});
