import { err, ok, type Result } from "../../../api/result.ts";
import { notSupported } from "../object/field-error.ts";
import { fieldAt, isList, type JsonObject, numberAt, stringAt } from "../object/json.ts";
import { invalid, type StatusError } from "../object/status-error.ts";

export type Propagation = "Background" | "Foreground" | "Orphan";

export interface DeleteOptions {
  /** Undefined leaves it to the object and the kind. */
  readonly propagation: Propagation | undefined;
  readonly gracePeriodSeconds: number | undefined;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly dryRun: boolean;
}

export const NO_DELETE_OPTIONS: DeleteOptions = {
  propagation: undefined,
  gracePeriodSeconds: undefined,
  uid: "",
  resourceVersion: "",
  dryRun: false,
};

/** From the body of a DELETE, or else from its query parameters. */
export function parseDeleteOptions(
  body: JsonObject | undefined,
  query: URLSearchParams,
): Result<DeleteOptions, StatusError> {
  const orphan = fieldAt(body, ["orphanDependents"]) ?? flag(query.get("orphanDependents"));
  const policy = stringAt(body, ["propagationPolicy"]) || (query.get("propagationPolicy") ?? "");
  const propagation = policy === "" && orphan !== undefined ? orphanPolicy(orphan) : policy;
  if (propagation !== "" && !isPropagation(propagation)) {
    const supported = ["Foreground", "Background", "Orphan", "nil"];
    const error = notSupported("propagationPolicy", propagation, supported);
    return err(invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", [error]));
  }
  const dryRun = fieldAt(body, ["dryRun"]);
  return ok({
    propagation: propagation === "" ? undefined : propagation,
    gracePeriodSeconds:
      numberAt(body, ["gracePeriodSeconds"]) ?? count(query.get("gracePeriodSeconds")),
    uid: stringAt(body, ["preconditions", "uid"]),
    resourceVersion: stringAt(body, ["preconditions", "resourceVersion"]),
    dryRun: (isList(dryRun) && dryRun.includes("All")) || query.getAll("dryRun").includes("All"),
  });
}

function isPropagation(text: string): text is Propagation {
  return text === "Background" || text === "Foreground" || text === "Orphan";
}

function orphanPolicy(orphan: unknown): Propagation {
  return orphan === true ? "Orphan" : "Background";
}

function flag(text: string | null): boolean | undefined {
  return text === null ? undefined : text === "true" || text === "1";
}

function count(text: string | null): number | undefined {
  return text !== null && /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}
