import { isRecord, parseJson } from "../../../api/json.ts";
import type { KubeError, KubeErrorKind } from "../kube-error.ts";

/** The parts of a metav1.Status that decide what an error means. */
interface Status {
  readonly message?: string;
  readonly reason?: string;
  readonly named: boolean;
  readonly causes: readonly string[];
  readonly retryAfterSeconds?: number;
}

const MESSAGE_BYTES_MAX = 2_048;

/** Reads an HTTP error answer. Servers and proxies in front of them also answer with plain text. */
export function fromErrorAnswer(
  status: number,
  body: string,
  retryAfterHeader: string | undefined,
): KubeError {
  const parsed = parseStatus(parseJson(body));
  const message = parsed?.message ?? (body.trim() || `HTTP status ${status}`);
  const retryAfterMs = retryAfter(retryAfterHeader, parsed);
  return {
    kind: kindOf(status, parsed),
    message: message.slice(0, MESSAGE_BYTES_MAX),
    status,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** Reads the Status object of a watch's ERROR event. */
export function fromStatusObject(object: unknown): KubeError {
  const code = isRecord(object) && typeof object["code"] === "number" ? object["code"] : 500;
  return fromErrorAnswer(code, JSON.stringify(object) ?? "", undefined);
}

function kindOf(status: number, parsed: Status | undefined): KubeErrorKind {
  switch (status) {
    case 401:
      return "forbidden";
    case 403:
      return parsed?.causes.includes("NamespaceTerminating") === true
        ? "namespace-terminating"
        : "forbidden";
    case 404:
      // A missing object is named in `details`; a resource that is not served has no name, or no Status at all.
      return parsed?.named === true ? "not-found" : "no-such-resource";
    case 409:
      return parsed?.reason === "AlreadyExists" ? "already-exists" : "conflict";
    case 410:
      return "gone";
    case 408:
    case 504:
      return "timeout";
    case 429:
      return "throttled";
    default:
      return status >= 500 || status < 400 ? "unavailable" : "invalid";
  }
}

function parseStatus(value: unknown): Status | undefined {
  if (!isRecord(value) || value["kind"] !== "Status") return undefined;
  const details = isRecord(value["details"]) ? value["details"] : {};
  const causes = Array.isArray(details["causes"]) ? details["causes"] : [];
  const seconds = details["retryAfterSeconds"];
  return {
    ...(typeof value["message"] === "string" && { message: value["message"] }),
    ...(typeof value["reason"] === "string" && { reason: value["reason"] }),
    named: typeof details["name"] === "string" && details["name"] !== "",
    causes: causes.flatMap((cause) =>
      isRecord(cause) && typeof cause["reason"] === "string" ? [cause["reason"]] : [],
    ),
    ...(typeof seconds === "number" && { retryAfterSeconds: seconds }),
  };
}

/** Seconds, from the header (RFC 9110 section 10.2.3; the date form is not used by API servers) or the Status. */
function retryAfter(header: string | undefined, parsed: Status | undefined): number | undefined {
  if (header !== undefined && /^\d{1,6}$/.test(header)) return Number(header) * 1_000;
  const seconds = parsed?.retryAfterSeconds;
  return seconds !== undefined && seconds > 0 ? seconds * 1_000 : undefined;
}
