import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeProtobuf } from "./decode-protobuf.ts";
import type { FieldType } from "./protobuf-field.ts";
import { MESSAGES } from "./protobuf-messages.ts";

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

test("reads pods inside deployments: embedded messages beside the others, quantities as text", () => {
  const volume = Buffer.concat([field(1, "v"), field(2, field(2, field(1, "Memory")))]);
  const cpu = Buffer.concat([field(1, "cpu"), field(2, field(1, "100m"))]);
  const probe = Buffer.concat([field(1, field(3, field(1, varint(2, 80)))), varint(4, 5)]);
  const container = Buffer.concat([
    field(1, "c"),
    field(2, "nginx"),
    field(8, field(1, cpu)),
    field(10, probe),
  ]);
  const pod = Buffer.concat([field(1, volume), field(2, container)]);
  const template = Buffer.concat([field(1, Buffer.alloc(0)), field(2, pod)]);
  const spec = Buffer.concat([varint(1, 2), field(3, template), field(4, Buffer.alloc(0))]);
  expect(decodeProtobuf(body("Deployment", field(2, spec)))).toMatchObject({
    value: {
      spec: {
        replicas: 2,
        strategy: {},
        template: {
          metadata: {},
          spec: {
            volumes: [{ name: "v", emptyDir: { medium: "Memory" } }],
            containers: [
              {
                name: "c",
                image: "nginx",
                resources: { limits: { cpu: "100m" } },
                livenessProbe: { tcpSocket: { port: 80 }, periodSeconds: 5 },
              },
            ],
          },
        },
      },
    },
  });
});

test("every message that a field names is known", () => {
  const missing: string[] = [];
  const visit = (type: FieldType, where: string): void => {
    if (typeof type === "string") return;
    if ("list" in type) visit(type.list, where);
    else if ("map" in type) visit(type.map, where);
    else {
      const name = "message" in type ? type.message : type.inline;
      if (!Object.hasOwn(MESSAGES, name)) missing.push(`${where}: ${name}`);
    }
  };
  for (const [name, message] of Object.entries(MESSAGES)) {
    for (const [key, type] of Object.values(message)) visit(type, `${name}.${key}`);
  }
  expect(missing).toEqual([]);
});

test.each([
  ["a name of every object", body("constructor", Buffer.alloc(0)), "unknown kind"],
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
