import { type Network, Row as RowMessage } from "../../api/broker/broker.gen.ts";
import type { Row, RowAudience } from "../../api/broker/row.ts";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { parseDnsLabel, parseServiceName } from "../../api/dns-label.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { decodeEndpoints } from "./decode-endpoints.ts";
import { decodeExport } from "./decode-export.ts";
import { decodeNetwork } from "./decode-network.ts";
import { LIMITS } from "./limits.ts";
import { NO_CONTENT, rowKeyOfMessage } from "./parse-row-key.ts";

/**
 * A row of `cluster` out of a message that anybody may have written. The owner is an argument because
 * it comes from the certificate, never from the message (I3, SEC-05). Errors: which rule, and the value seen.
 */
export function decodeRow(cluster: ClusterId, message: RowMessage): Result<Row, string> {
  const { content } = message;
  if (content?.$case === "network") return decodeNetworkRow(cluster, message, content.value);
  const namespace = parseDnsLabel("namespace", message.namespace);
  if (!namespace.ok) return namespace;
  const name = parseServiceName(message.name);
  if (!name.ok) return name;
  const audience = decodeAudience(message.audience);
  if (!audience.ok) return audience;
  const base = { cluster, namespace: namespace.value, name: name.value, ...audience.value };
  if (content === undefined) return err(NO_CONTENT);
  if (content.$case === "export") {
    const decoded = decodeExport(content.value);
    return decoded.ok ? ok({ ...base, ...decoded.value }) : decoded;
  }
  const decoded = decodeEndpoints(content.value);
  return decoded.ok ? ok({ ...base, ...decoded.value }) : decoded;
}

function decodeNetworkRow(
  cluster: ClusterId,
  message: RowMessage,
  network: Network,
): Result<Row, string> {
  const key = rowKeyOfMessage(message);
  if (!key.ok) return key;
  if (message.audience !== undefined) return err("network row must be for all: got an audience");
  const decoded = decodeNetwork(network);
  return decoded.ok ? ok({ kind: "network", cluster, ...decoded.value }) : decoded;
}

/** Sorted, so that equal rows stay equal. */
function decodeAudience(
  message: RowMessage["audience"],
): Result<{ readonly audience?: RowAudience }, string> {
  if (message === undefined) return ok({});
  const { clusters } = message;
  if (clusters.length > LIMITS.audienceClusters) {
    return err(
      `audience must be at most ${LIMITS.audienceClusters} clusters: got ${clusters.length}`,
    );
  }
  if (new Set(clusters).size !== clusters.length) {
    return err("audience must name each cluster once: got one twice");
  }
  const parsed: ClusterId[] = [];
  for (const text of clusters) {
    const cluster = parseClusterId(text);
    if (!cluster.ok) return cluster;
    parsed.push(cluster.value);
  }
  return ok({ audience: parsed.toSorted() });
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
