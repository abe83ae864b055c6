import { err, ok, type Result } from "../../../api/result.ts";
import type { StatusError } from "../object/status-error.ts";

/** How an answer is shaped and encoded. */
export interface Representation {
  readonly encoding: "json" | "yaml";
  readonly shape: "object" | "table" | "metadata";
  /** Of meta.k8s.io, for tables and metadata: "v1" or "v1beta1". */
  readonly shapeVersion: string;
  /** What to say in Content-Type. */
  readonly contentType: string;
}

export const JSON_OBJECT: Representation = {
  encoding: "json",
  shape: "object",
  shapeVersion: "",
  contentType: "application/json",
};

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** The first of the media types in an Accept header that the server can give. */
export function negotiate(accept: string | undefined): Result<Representation, StatusError> {
  if (accept === undefined || accept.trim() === "") return ok(JSON_OBJECT);
  for (const range of parseAccept(accept)) {
    const found = representationOf(range);
    if (found !== undefined) return ok(found);
  }
  return err(notAcceptable(["application/json", "application/yaml"]));
}

/** 406 in the form of the real server's response writers. */
export function notAcceptable(available: readonly string[]): StatusError {
  const message = `406: Not Acceptable\n\nAvailable representations: ${available.join(", ")}`;
  return { code: 406, reason: "NotAcceptable", message, details: {} };
}

/** Ranges of an Accept header, most wanted first. */
export function parseAccept(accept: string): readonly MediaRange[] {
  return accept
    .split(",")
    .map(parseRange)
    .filter((range) => quality(range) > 0)
    .sort((a, b) => quality(b) - quality(a));
}

function representationOf({ type, parameters }: MediaRange): Representation | undefined {
  const encoding = encodingOf(type);
  if (encoding === undefined) return undefined;
  const base = { encoding, contentType: `application/${encoding}` };
  const as = parameters.get("as");
  if (as === undefined) return { ...base, shape: "object", shapeVersion: "" };
  const shapeVersion = parameters.get("v") ?? "v1";
  const isMeta = (parameters.get("g") ?? "meta.k8s.io") === "meta.k8s.io";
  if (!isMeta || (shapeVersion !== "v1" && shapeVersion !== "v1beta1")) return undefined;
  if (as === "Table") return { ...base, shape: "table", shapeVersion };
  if (as === "PartialObjectMetadata" || as === "PartialObjectMetadataList") {
    return { ...base, shape: "metadata", shapeVersion };
  }
  return undefined;
}

function encodingOf(type: string): "json" | "yaml" | undefined {
  if (type === "application/json" || type === "*/*" || type === "application/*") return "json";
  return type === "application/yaml" ? "yaml" : undefined;
}

function parseRange(text: string): MediaRange {
  const [type = "", ...pairs] = text.split(";").map((part) => part.trim());
  const parameters = new Map<string, string>();
  for (const pair of pairs) {
    const [name = "", value = ""] = pair.split("=", 2);
    parameters.set(name.toLowerCase(), value);
  }
  return { type: type.toLowerCase(), parameters };
}

function quality({ parameters }: MediaRange): number {
  const value = Number(parameters.get("q") ?? "1");
  return Number.isFinite(value) ? value : 0;
}
