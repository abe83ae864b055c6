import { type FieldError, invalidValue, required, tooLong } from "../../object/field-error.ts";
import { field, type JsonObject, objectAt, stringAt, withField } from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { bool, bytesMap, pointer, text, textMap } from "../../schema/build-schema.ts";
import { matchesFormat } from "../../schema/format.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";
import {
  base64Bytes,
  bytesOf,
  DATA_BYTES_MAX,
  dataColumn,
  validateImmutable,
  validateKeys,
} from "./config-map-kind.ts";

export const SECRET = builtinKind({
  group: "",
  version: "v1",
  kind: "Secret",
  plural: "secrets",
  namespaced: true,
  description: "Secret holds secret data of a certain type, at most 1 MiB.",
  properties: {
    immutable: pointer(bool("If true, data cannot be updated, only metadata can.")),
    data: bytesMap("The secret data, base64."),
    stringData: textMap("Secret data as plain text: write only, merged into data."),
    type: text("What the data is for. Default is Opaque."),
  },
  columns: [
    textColumn("Type", "The type of the secret", (secret) => stringAt(secret, ["type"])),
    dataColumn(["data"]),
    AGE_COLUMN,
  ],
  name: dnsSubdomain,
  rules: {
    applyDefaults: defaultSecret,
    validate: validateSecret,
    validateUpdate: (next, old) => [
      ...validateType(next, old),
      ...validateImmutable(next, old, ["data"]),
    ],
  },
});

function defaultSecret(secret: JsonObject): JsonObject {
  const plain = Object.entries(objectAt(secret, ["stringData"])).flatMap(([key, value]) =>
    typeof value === "string" ? [[key, Buffer.from(value).toString("base64")] as const] : [],
  );
  const data = { ...objectAt(secret, ["data"]), ...Object.fromEntries(plain) };
  const merged = plain.length === 0 ? secret : withField(secret, "data", data);
  const typed = field(merged, "type") ?? "Opaque";
  return withField(withField(merged, "stringData", undefined), "type", typed);
}

function validateSecret(secret: JsonObject): readonly FieldError[] {
  const data = objectAt(secret, ["data"]);
  const broken = Object.entries(data).flatMap(([key, value]) =>
    typeof value === "string" && matchesFormat("byte", value)
      ? []
      : [invalidValue(`data[${key}]`, "<base64>", "must be base64")],
  );
  const size = bytesOf(data, base64Bytes);
  return [
    ...validateKeys(data, "data"),
    ...broken,
    ...missingKeys(stringAt(secret, ["type"]), data),
    ...(size > DATA_BYTES_MAX ? [tooLong("data", DATA_BYTES_MAX)] : []),
  ];
}

/** What a secret of a type must hold. */
const REQUIRED_KEYS: ReadonlyMap<string, readonly string[]> = new Map([
  ["kubernetes.io/tls", ["tls.crt", "tls.key"]],
  ["kubernetes.io/dockercfg", [".dockercfg"]],
  ["kubernetes.io/dockerconfigjson", [".dockerconfigjson"]],
  ["kubernetes.io/ssh-auth", ["ssh-privatekey"]],
]);

function missingKeys(type: string, data: JsonObject): readonly FieldError[] {
  const keys = REQUIRED_KEYS.get(type) ?? [];
  return keys
    .filter((key) => field(data, key) === undefined)
    .map((key) => required(`data[${key}]`));
}

function validateType(next: JsonObject, old: JsonObject): readonly FieldError[] {
  const type = stringAt(next, ["type"]);
  if (type === stringAt(old, ["type"])) return [];
  return [invalidValue("type", type, "field is immutable")];
}
