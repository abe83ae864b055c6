import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { openAuthorityFile } from "./authority-file.ts";

const clock = new VirtualClock();
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "isthmus-authority-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("authority file", () => {
  test("is created once, for its owner's eyes only, and read again", async () => {
    const first = await openAuthorityFile(join(dir, "new"), "prod", clock);
    const second = await openAuthorityFile(join(dir, "new"), "prod", clock);
    expect(first.ok && second.ok && first.value.fingerprint === second.value.fingerprint).toBe(
      true,
    );
    expect((await stat(join(dir, "new", "authority.pem"))).mode & 0o777).toBe(0o600);
  });

  test("two that start at once end up with one authority", async () => {
    const opened = await Promise.all(
      Array.from({ length: 5 }, () => openAuthorityFile(dir, "prod", clock)),
    );
    const fingerprints = new Set(opened.map((one) => (one.ok ? one.value.fingerprint : one.error)));
    expect(fingerprints.size).toBe(1);
  });

  test("refuses another clusterset's folder", async () => {
    await openAuthorityFile(dir, "prod", clock);
    expect(await openAuthorityFile(dir, "test", clock)).toMatchObject({
      ok: false,
      error: expect.stringContaining("must belong to clusterset test: got prod"),
    });
  });

  test("a damaged file is an error and is left as it is", async () => {
    const path = join(dir, "authority.pem");
    await openAuthorityFile(dir, "prod", clock);
    const half = (await readFile(path, "utf8")).slice(0, 100);
    await writeFile(path, half);
    expect(await openAuthorityFile(dir, "prod", clock)).toMatchObject({
      ok: false,
      error: expect.stringContaining("must hold a private key and a certificate"),
    });
    expect(await readFile(path, "utf8")).toBe(half);
  });
});
