import { beforeEach, describe, expect, test } from "vitest";
import { err, ok, type Result } from "../../api/result.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import type { LogFields } from "../log/log.ts";
import { silentLogger } from "../log/silent-log.ts";
import { silentMeter } from "../metrics/silent-meter.ts";
import { ReloadedFile } from "./reloaded-file.ts";

let clock: VirtualClock;
let text: Result<string, string>;
let errors: LogFields[];
let stop: AbortController;
beforeEach(() => {
  clock = new VirtualClock();
  text = ok("1");
  errors = [];
  stop = new AbortController();
});

const parse = (content: string): Result<number, string> =>
  /^\d+$/.test(content) ? ok(Number(content)) : err(`must be a number: got ${content}`);

async function open(): Promise<Result<ReloadedFile<number>, string>> {
  const log = {
    ...silentLogger,
    error: (_message: string, fields: LogFields = {}) => void errors.push(fields),
  };
  const deps = { clock, log, meter: silentMeter, readText: async () => text };
  return ReloadedFile.open({ path: "p.yaml", what: "policy", parse, intervalMs: 10 }, deps);
}

async function followed(): Promise<ReloadedFile<number> & { readonly told: () => number }> {
  const file = await open();
  if (!file.ok) throw new Error(file.error);
  let told = 0;
  file.value.subscribe(() => void told++);
  void file.value.follow(stop.signal);
  return Object.assign(file.value, { told: () => told });
}

describe("ReloadedFile", () => {
  test.each([
    { name: "bad", content: ok("x"), want: /cannot read policy p\.yaml: must be a number: got x/ },
    { name: "absent", content: err("ENOENT"), want: /cannot read policy p\.yaml: ENOENT/ },
  ])("does not start with a file that is $name", async ({ content, want }) => {
    text = content;
    const file = await open();
    expect(file.ok ? "" : file.error).toMatch(want);
  });

  test("asked to, it takes what the file says at once", async () => {
    const file = await followed();
    text = ok("3");
    await file.reload();
    expect([file.current, file.told()]).toEqual([3, 1]);
    text = ok("x");
    await file.reload();
    expect([file.current, errors.length]).toEqual([3, 1]);
    await clock.advance(100);
    expect([file.told(), errors.length]).toEqual([1, 1]);
  });

  test("follows the file, and tells once per change", async () => {
    const file = await followed();
    text = ok("2");
    await clock.advance(100);
    expect([file.current, file.told()]).toEqual([2, 1]);
    await clock.advance(100);
    expect(file.told()).toBe(1);
  });

  test.each([
    { name: "cannot be understood", content: ok("x"), error: "must be a number: got x" },
    { name: "is away", content: err("ENOENT"), error: "ENOENT" },
  ])("a file that $name changes nothing and is told once", async ({ content, error }) => {
    const file = await followed();
    text = content;
    await clock.advance(1000);
    expect([file.current, file.told()]).toEqual([1, 0]);
    expect(errors).toEqual([{ what: "policy", path: "p.yaml", err: error }]);
    text = ok("3");
    await clock.advance(100);
    expect([file.current, file.told()]).toEqual([3, 1]);
  });

  test("a file that is being written is not taken for whole", async () => {
    const file = await followed();
    text = ok("12");
    await clock.advance(10);
    text = ok("123");
    await clock.advance(10);
    expect(file.current).toBe(1);
    await clock.advance(10);
    expect(file.current).toBe(123);
  });

  test("ends with the signal", async () => {
    const file = await followed();
    stop.abort();
    text = ok("2");
    await clock.advance(1000);
    expect(file.current).toBe(1);
  });
});
