import { beforeEach, describe, expect, test } from "vitest";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import { SECRETS, type Secret } from "../../../api/kube/secret.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { ApiServerCore } from "../../../sandbox/apiserver/core/api-server-core.ts";
import { CorePump } from "../../../sandbox/apiserver/core/core-pump.ts";
import { InMemoryKubeClient } from "../../../sandbox/apiserver/in-memory-kube-client.ts";
import { describeIdentityStore, memberMaterial } from "./identity-store-compliance.ts";
import { SecretIdentityStore } from "./secret-identity-store.ts";

const PLACE = { namespace: "isthmus-system", name: "isthmus-identity" };
const TARGET = { resource: SECRETS, ...PLACE };
const { signal } = new AbortController();

let fault: KubeError | undefined;
let client: InMemoryKubeClient;
beforeEach(async () => {
  const clock = new VirtualClock();
  const core = ApiServerCore.create(
    { serviceCidrs: ["10.96.0.0/16"] },
    { random: seededRandom(1), nowMs: clock.nowMs() },
  );
  if (!core.ok) throw new Error(core.error);
  const deps = { core: core.value, clock };
  fault = undefined;
  client = new InMemoryKubeClient(
    {},
    { ...deps, pump: new CorePump({ settleDelayMs: 0 }, deps), intercept: async () => fault },
  );
  await client.create(
    NAMESPACES,
    { apiVersion: "v1", kind: "Namespace", metadata: { name: PLACE.namespace } },
    { signal },
  );
});

function store(clock: VirtualClock = new VirtualClock()): SecretIdentityStore {
  return new SecretIdentityStore(PLACE, { client, clock, signal });
}

describeIdentityStore("a Secret", (clock) => Promise.resolve(store(clock)));

async function secret(): Promise<Secret | undefined> {
  const got = await client.get<Secret>(TARGET, { signal });
  return got.ok ? got.value : undefined;
}

describe("secret identity store", () => {
  test("keeps one Secret, and leaves what others put into it", async () => {
    const clock = new VirtualClock();
    await store(clock).saveJoinKey("key");
    await client.mergePatch(TARGET, { data: { note: "aGk=" } }, { signal });
    await store(clock).save(await memberMaterial("east", clock));
    const { type, data } = (await secret()) ?? {};
    expect(type).toBe("isthmus.dev/member-identity");
    expect(Object.keys(data ?? {}).sort()).toEqual(["member-identity.json", "note"]);
    await store(clock).remove();
    expect(await secret()).toBeUndefined();
  });

  test("what a replica saves is what another loads", async () => {
    const clock = new VirtualClock();
    const material = await memberMaterial("east", clock);
    await store(clock).save(material);
    expect(await store(clock).load()).toMatchObject({ ok: true, value: material });
  });

  test("damaged content is an error that names the Secret, which is left as it is", async () => {
    const data = { "member-identity.json": Buffer.from("{").toString("base64") };
    await client.create(
      SECRETS,
      { apiVersion: "v1", kind: "Secret", metadata: PLACE, data },
      { signal },
    );
    const loaded = await store().load();
    expect(loaded.ok ? "" : loaded.error).toContain("must be JSON");
    expect(loaded.ok ? "" : loaded.error).toContain("Secret isthmus-system/isthmus-identity");
    expect((await secret())?.data).toEqual(data);
  });

  test("an API server that is away or refuses is an error, not an empty store", async () => {
    const clock = new VirtualClock();
    const material = await memberMaterial("east", clock);
    await store(clock).save(material);
    for (const kind of ["unavailable", "forbidden", "timeout"] as const) {
      fault = { kind, message: `server says ${kind}` };
      for (const outcome of [
        await store(clock).load(),
        await store(clock).save(material),
        await store(clock).saveJoinKey("key"),
        await store(clock).loadJoinKey(),
        await store(clock).remove(),
      ]) {
        expect(outcome.ok ? "" : outcome.error).toContain(`server says ${kind}`);
        expect(outcome.ok ? "" : outcome.error).not.toContain("PRIVATE KEY");
      }
    }
  });
});
