import type { Row as RowMessage } from "../../api/broker/broker.gen.ts";
import { NETWORK_ROW_KEY, type RowKey } from "../../api/broker/row.ts";
import { parseDnsLabel, parseServiceName } from "../../api/dns-label.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { parseSubdomain, quote } from "./kube-syntax.ts";

/** `export/namespace/name`, `endpoints/namespace/name/slice` or `network//`, as rowKey writes it. */
export function parseRowKey(text: string): Result<RowKey, string> {
  if (text === NETWORK_ROW_KEY) return ok(NETWORK_ROW_KEY);
  const parts = text.split("/");
  const [kind, namespace = "", name = "", slice = ""] = parts;
  const isShaped =
    (kind === "export" && parts.length === 3) || (kind === "endpoints" && parts.length === 4);
  if (!isShaped) {
    return err(
      `row key must be export/namespace/name, endpoints/namespace/name/slice or network//: got ${quote(text)}`,
    );
  }
  const parsedNamespace = parseDnsLabel("namespace", namespace);
  if (!parsedNamespace.ok) return parsedNamespace;
  const parsedName = parseServiceName(name);
  if (!parsedName.ok) return parsedName;
  if (kind === "endpoints") {
    const parsedSlice = parseSubdomain("slice name", slice);
    if (!parsedSlice.ok) return parsedSlice;
  }
  return ok(text as RowKey);
}

export const NO_CONTENT = "row must hold an export, endpoints or a network: got none of them";

/** The key of a row message whose content may be invalid: what a refusal is about. */
export function rowKeyOfMessage(message: RowMessage): Result<RowKey, string> {
  const { namespace, name, content } = message;
  if (content === undefined) return err(NO_CONTENT);
  if (content.$case === "network") {
    return namespace === "" && name === ""
      ? ok(NETWORK_ROW_KEY)
      : err(`network row must have no namespace and name: got ${quote(`${namespace}/${name}`)}`);
  }
  const base = `${content.$case}/${namespace}/${name}`;
  return parseRowKey(content.$case === "export" ? base : `${base}/${content.value.slice}`);
}

/** Namespace part of a key; of a network row's: NO_NAMESPACE. */
export function namespaceOfRowKey(key: RowKey): string {
  const start = key.indexOf("/") + 1;
  return key.slice(start, key.indexOf("/", start));
}
