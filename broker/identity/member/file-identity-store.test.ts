import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { FileIdentityStore } from "./file-identity-store.ts";
import { describeIdentityStore, memberMaterial } from "./identity-store-compliance.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "isthmus-identity-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describeIdentityStore("files", (clock) =>
  Promise.resolve(new FileIdentityStore(join(dir, "identity"), { clock })),
);

describe("file identity store", () => {
  test("keeps one file for its owner's eyes only, and leaves no copies", async () => {
    const clock = new VirtualClock();
    const store = new FileIdentityStore(dir, { clock });
    await store.saveJoinKey("key");
    expect((await stat(join(dir, "join-key.pem"))).mode & 0o777).toBe(0o600);
    await store.save(await memberMaterial("east", clock));
    expect(await readdir(dir)).toEqual(["member-identity.json"]);
    expect((await stat(join(dir, "member-identity.json"))).mode & 0o777).toBe(0o600);
  });

  test.each([
    { name: "half a file", content: '{"keyPem": "x', want: "must be JSON" },
    {
      name: "a missing part",
      content: '{"keyPem":"x","certPem":"x","caPem":"x"}',
      want: "brokerAddress",
    },
    {
      name: "an unknown part",
      content: '{"keyPem":"x","certPem":"x","caPem":"x","brokerAddress":"h:1","z":1}',
      want: "z",
    },
  ])("$name is an error that names the file, which is left as it is", async ({ content, want }) => {
    const store = new FileIdentityStore(dir, { clock: new VirtualClock() });
    const path = join(dir, "member-identity.json");
    await writeFile(path, content);
    const loaded = await store.load();
    expect(loaded.ok ? "" : loaded.error).toContain(want);
    expect(loaded.ok ? "" : loaded.error).toContain(path);
    expect(await readFile(path, "utf8")).toBe(content);
  });

  test("a folder that cannot be written is an error", async () => {
    await writeFile(join(dir, "file"), "");
    const store = new FileIdentityStore(join(dir, "file"), { clock: new VirtualClock() });
    expect(await store.saveJoinKey("key")).toMatchObject({
      ok: false,
      error: expect.stringContaining("cannot write member identity"),
    });
  });
});
