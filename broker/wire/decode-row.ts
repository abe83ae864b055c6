import { Row as RowMessage } from "../../api/broker/broker.gen.ts";
import type { Row } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { parseDnsLabel, parseServiceName } from "../../api/dns-label.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { decodeEndpoints } from "./decode-endpoints.ts";
import { decodeExport } from "./decode-export.ts";
import { LIMITS } from "./limits.ts";

/**
 * A row of `cluster` out of a message that anybody may have written. The owner is an argument because
 * it comes from the certificate, never from the message (I3, SEC-05). Errors: which rule, and the value seen.
 */
export function decodeRow(cluster: ClusterId, message: RowMessage): Result<Row, string> {
  const namespace = parseDnsLabel("namespace", message.namespace);
  if (!namespace.ok) return namespace;
  const name = parseServiceName(message.name);
  if (!name.ok) return name;
  const base = { cluster, namespace: namespace.value, name: name.value };
  const { content } = message;
  if (content === undefined) return err("row must hold an export or endpoints: got neither");
  if (content.$case === "export") {
    const decoded = decodeExport(content.value);
    return decoded.ok ? ok({ ...base, ...decoded.value }) : decoded;
  }
  const decoded = decodeEndpoints(content.value);
  return decoded.ok ? ok({ ...base, ...decoded.value }) : decoded;
}

/** As decodeRow, from the encoded message; never throws. */
export function decodeRowBytes(cluster: ClusterId, bytes: Uint8Array): Result<Row, string> {
  if (bytes.length > LIMITS.rowBytes) return err(rowTooLarge(bytes.length));
  let message: RowMessage;
  try {
    message = RowMessage.decode(bytes);
  } catch (cause) {
    return err(
      `row must be an encoded Row message: ${cause instanceof Error ? cause.message : ""}`,
    );
  }
  return decodeRow(cluster, message);
}

export function rowTooLarge(bytes: number): string {
  return `row must be at most ${LIMITS.rowBytes} bytes: got ${bytes}`;
}
