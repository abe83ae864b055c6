import { err, ok, type Result } from "../../../api/result.ts";
import type { FieldValidation } from "../object/decode.ts";
import { notSupported } from "../object/field-error.ts";
import { badRequest, invalid, type StatusError } from "../object/status-error.ts";
import type { ListOptions, WatchOptions } from "../registry/list-options.ts";
import type { WriteCall } from "../registry/registry-state.ts";
import type { ApiRequest } from "./api-request.ts";

const LIMIT_MAX = Number.MAX_SAFE_INTEGER;

export function listOptions(query: URLSearchParams): Result<ListOptions, StatusError> {
  const limit = query.get("limit") ?? "";
  if (!/^-?[0-9]*$/.test(limit)) {
    return err(badRequest(`strconv.ParseInt: parsing ${JSON.stringify(limit)}: invalid syntax`));
  }
  return ok({
    labelSelector: query.get("labelSelector") ?? "",
    fieldSelector: query.get("fieldSelector") ?? "",
    resourceVersion: query.get("resourceVersion") ?? "",
    resourceVersionMatch: query.get("resourceVersionMatch") ?? "",
    limit: Math.min(Math.max(0, Number(limit)), LIMIT_MAX),
    continueToken: query.get("continue") ?? "",
  });
}

export function watchOptions(query: URLSearchParams): Result<WatchOptions, StatusError> {
  const list = listOptions(query);
  if (!list.ok) return list;
  const timeoutSeconds = Number(query.get("timeoutSeconds") ?? "0");
  return ok({
    ...list.value,
    allowBookmarks: flag(query.get("allowWatchBookmarks")) ?? false,
    sendInitialEvents: flag(query.get("sendInitialEvents")),
    timeoutSeconds: Number.isSafeInteger(timeoutSeconds) && timeoutSeconds > 0 ? timeoutSeconds : 0,
  });
}

export function flag(text: string | null): boolean | undefined {
  if (text === null) return undefined;
  return text === "" || text === "1" || text.toLowerCase() === "true" || text === "t";
}

/** Options of a create, update or patch; `optionsKind` is what the real server calls them in errors. */
export function writeCall(
  { query, headers, nowMs }: ApiRequest,
  subresource: WriteCall["subresource"],
  optionsKind: string,
  warn: (message: string) => void,
): Result<WriteCall, StatusError> {
  const about = { group: "meta.k8s.io", kind: optionsKind };
  const dryRun = query.getAll("dryRun").filter((value) => value !== "");
  if (dryRun.some((value) => value !== "All")) {
    return err(invalid(about, "", [notSupported("dryRun", dryRun, ["All"])]));
  }
  const validation = query.get("fieldValidation") ?? "";
  if (!isFieldValidation(validation) && validation !== "") {
    const supported = ["", "Ignore", "Strict", "Warn"];
    return err(invalid(about, "", [notSupported("fieldValidation", validation, supported)]));
  }
  const manager = query.get("fieldManager") ?? "";
  return ok({
    nowMs,
    dryRun: dryRun.length > 0,
    manager: manager === "" ? defaultManager(headers["user-agent"]) : manager,
    fieldValidation: isFieldValidation(validation) ? validation : "Warn",
    subresource,
    warn,
  });
}

/** Whoever does not name itself is known by its program. */
function defaultManager(userAgent: string | undefined): string {
  const program = (userAgent ?? "").split("/", 1)[0] ?? "";
  return program === "" ? "unknown" : program;
}

function isFieldValidation(text: string): text is FieldValidation {
  return text === "Ignore" || text === "Warn" || text === "Strict";
}
