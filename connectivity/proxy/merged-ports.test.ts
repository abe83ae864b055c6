import { expect, test } from "vitest";
import type { MergedPort } from "../../api/mcs/slice-port-name.ts";
import { portNameOf, portNumberOf } from "./merged-ports.ts";

const port = (name: string | undefined, number: number, protocol: "TCP" | "UDP" = "TCP") => ({
  ...(name !== undefined && { name }),
  protocol,
  port: number,
});

/** What one member's import says, and what another's: the second sees an older export besides, which names ports otherwise. */
const OURS: readonly MergedPort[] = [port("main", 5432), port("dns", 53, "UDP")];
const THEIRS: readonly MergedPort[] = [port("sql", 5432), port(undefined, 53, "UDP")];

test("a port has one number under whatever name (CON-24)", () => {
  for (const [name, number, protocol, here] of [
    ["sql", 5432, "tcp", "main"],
    ["p-53-udp", 53, "udp", "dns"],
  ] as const) {
    expect(portNumberOf(THEIRS, name, protocol)).toBe(number);
    expect(portNameOf(OURS, number, protocol)).toBe(here);
  }
});

test("what no import has is not guessed", () => {
  expect(portNumberOf(OURS, "sql", "tcp")).toBe(0);
  expect(portNumberOf(OURS, "dns", "tcp")).toBe(0);
  expect(portNameOf(OURS, 80, "tcp")).toBeUndefined();
  expect(portNameOf(OURS, 53, "tcp")).toBeUndefined();
});

test("the only port may have no name (CON-22)", () => {
  expect(portNumberOf([port(undefined, 80)], "", "tcp")).toBe(80);
  expect(portNameOf([port(undefined, 80)], 80, "tcp")).toBe("");
});
