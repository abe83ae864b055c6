import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { runCli } from "../e2e/harness/run-cli.ts";

/** What a person reads: the steps' titles, without times, addresses and names of pods. */
function story(output: string): readonly string[] {
  return output.split("\n").flatMap((line) => /^[✓✗] (.*\S) +[\d.]+ m?s$/.exec(line)?.[1] ?? []);
}

test.each(["underlay", "vxlan"])(
  "the demo tells its story over %s, as it does without",
  async (backend) => {
    const directory = mkdtempSync(join(tmpdir(), "isthmus-net-"));
    vi.stubEnv("TMPDIR", directory);
    onTestFinished(() => {
      vi.unstubAllEnvs();
      rmSync(directory, { recursive: true, force: true });
    });
    const plain = await runCli(["demo", "--exit"], 100_000);
    expect(plain.stderr).toBe("");
    const net = await runCli(["demo", "--backend", backend, "--exit"], 100_000);
    expect(net.stderr).toBe("");
    expect(net.code).toBe(0);
    const [opening, ...steps] = story(net.stdout);
    expect(opening).toBe("hub and 3 clusters of network namespaces");
    expect(steps).toEqual(story(plain.stdout).slice(1));
    expect(steps).toHaveLength(9);
    expect(readdirSync(directory)).toEqual([]);
  },
  250_000,
);
