import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeProtobuf } from "./decode-protobuf.ts";

/** A length-delimited field. */
function field(number: number, value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value);
  const tag = (number << 3) | 2;
  const tagBytes = tag < 0x80 ? [tag] : [(tag & 0x7f) | 0x80, tag >> 7];
  return Buffer.concat([Buffer.from([...tagBytes, bytes.length]), bytes]);
}

function varint(number: number, value: number): Buffer {
  return Buffer.from([number << 3, value]);
}

function body(kind: string, message: Uint8Array): Buffer {
  const type = Buffer.concat([field(1, "v1"), field(2, kind)]);
  return Buffer.concat([Buffer.from("k8s\0"), field(1, type), field(2, message)]);
}

test("reads maps, lists, numbers and what stands for two types", () => {
  const port = Buffer.concat([
    field(1, "http"),
    varint(3, 80),
    field(4, Buffer.concat([varint(1, 1), field(3, "web")])),
  ]);
  const selector = field(2, Buffer.concat([field(1, "app"), field(2, "")]));
  const spec = Buffer.concat([
    field(1, port),
    selector,
    varint(13, 1),
    field(18, "a"),
    field(18, "b"),
  ]);
  const message = Buffer.concat([field(1, field(1, "web")), field(2, spec)]);
  expect(decodeProtobuf(body("Service", message))).toEqual({
    ok: true,
    value: {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: {
        ports: [{ name: "http", port: 80, targetPort: "web" }],
        selector: { app: "" },
        publishNotReadyAddresses: true,
        clusterIPs: ["a", "b"],
      },
    },
  });
});

test.each([
  ["no magic", Buffer.from("{}"), "must start with"],
  ["a kind we do not know", body("Nope", Buffer.alloc(0)), 'unknown kind: got "Nope"'],
  [
    "a field beyond the end",
    Buffer.concat([body("ConfigMap", Buffer.from([0x0a, 9]))]),
    "must end within",
  ],
  [
    "a wrong type",
    body("Lease", field(2, field(2, "x"))),
    "leaseDurationSeconds: must be a number",
  ],
  ["a group", body("ConfigMap", Buffer.from([0x0b])), "wire type"],
])("%s is refused", (_, bytes, want) => {
  const decoded = decodeProtobuf(bytes);
  expect(!decoded.ok && decoded.error).toContain(want);
});

test("never throws, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(typeof decodeProtobuf(body("Service", bytes.slice(0, 100))).ok).toBe("boolean");
      expect(typeof decodeProtobuf(Buffer.concat([Buffer.from("k8s\0"), bytes])).ok).toBe(
        "boolean",
      );
    }),
  );
});
