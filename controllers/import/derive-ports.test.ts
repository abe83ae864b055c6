import { describe, expect, test } from "vitest";
import { slicePortName } from "../../api/mcs/slice-port-name.ts";
import { anExport, port, someEndpoints } from "../testing/builders.ts";
import { importPorts, slicePorts } from "./derive-ports.ts";

describe("slicePorts joins by (protocol, number) and renames (CON-24)", () => {
  test.each([
    {
      name: "same names",
      merged: ["http:80"],
      own: ["http:80"],
      slice: ["http:8080"],
      want: ["http:8080"],
    },
    {
      name: "C-20: same name, other number: the port must go",
      merged: ["tcp:42"],
      own: ["tcp:4242"],
      slice: ["tcp:42"],
      want: [],
    },
    {
      name: "C-21: each cluster only the ports it has",
      merged: ["tcp:42", "udp:42/UDP", "tcp2:4242"],
      own: ["tcp2:4242"],
      slice: ["tcp2:42"],
      want: ["tcp2:42"],
    },
    {
      name: "other name, same number: renamed",
      merged: ["http:80"],
      own: ["web:80"],
      slice: ["web:8080"],
      want: ["http:8080"],
    },
    {
      name: "unnamed beside named gets the generated name (CON-22)",
      merged: [":80", "dns:53/UDP"],
      own: [":80"],
      slice: [":8080"],
      want: ["p-80-tcp:8080"],
    },
    {
      name: "single unnamed stays unnamed",
      merged: [":80"],
      own: [":80"],
      slice: [":8080"],
      want: [":8080"],
    },
    {
      name: "slice without that port (named target port of other pods, CON-27)",
      merged: ["http:80", "adm:81"],
      own: ["http:80", "adm:81"],
      slice: ["adm:9000"],
      want: ["adm:9000"],
    },
    {
      name: "protocol must match too",
      merged: ["dns:53/UDP"],
      own: ["dns:53/UDP"],
      slice: ["dns:53"],
      want: [],
    },
  ])("$name", ({ merged, own, slice, want }) => {
    const got = slicePorts(
      merged.map(port),
      anExport({ cluster: "a", ports: own }),
      someEndpoints({ cluster: "a", ports: slice }),
    );
    expect(got).toEqual(want.map(port));
  });
});

test("a generated name never collides with a given one", () => {
  const all = [":80", "p-80-tcp:81"].map(port);
  expect(all.map((p) => slicePortName(p, all))).toEqual(["p-80-tcp-unnamed", "p-80-tcp"]);
});

test("import ports write the protocol and leave out what is absent (IMP-11, IMP-12)", () => {
  expect(importPorts([":80", "h2:81=h2c"].map(port))).toEqual([
    { protocol: "TCP", port: 80 },
    { name: "h2", protocol: "TCP", port: 81, appProtocol: "h2c" },
  ]);
});
