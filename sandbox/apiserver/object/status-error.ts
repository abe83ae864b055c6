import type { FieldError } from "./field-error.ts";
import { causeOf, formatFieldErrors } from "./field-error.ts";
import type { JsonObject } from "./json.ts";

/** A request's failure in the terms of Kubernetes' `v1 Status`. */
export interface StatusError {
  /** HTTP status. */
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: StatusDetails;
}

export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly StatusCause[];
  readonly retryAfterSeconds?: number;
}

export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

/** A resource as errors name it: `services`, `serviceimports.multicluster.x-k8s.io`. */
export interface ResourceName {
  readonly group: string;
  readonly plural: string;
}

/** A kind as validation errors name it: `Service`, `ServiceImport.multicluster.x-k8s.io`. */
export interface KindName {
  readonly group: string;
  readonly kind: string;
}

/** The body of a failed request. */
export function toStatus(error: StatusError): JsonObject {
  const details = error.details === undefined ? {} : { details: detailsJson(error.details) };
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: error.message,
    reason: error.reason,
    ...details,
    code: error.code,
  };
}

export function notFound(resource: ResourceName, name: string): StatusError {
  return {
    code: 404,
    reason: "NotFound",
    message: `${qualified(resource.plural, resource.group)} ${JSON.stringify(name)} not found`,
    details: resourceDetails(resource, name),
  };
}

export function alreadyExists(resource: ResourceName, name: string): StatusError {
  return {
    code: 409,
    reason: "AlreadyExists",
    message: `${qualified(resource.plural, resource.group)} ${JSON.stringify(name)} already exists`,
    details: resourceDetails(resource, name),
  };
}

/** `why` for a stale resourceVersion is STALE_OBJECT. */
export function conflict(resource: ResourceName, name: string, why: string): StatusError {
  const what = `${qualified(resource.plural, resource.group)} ${JSON.stringify(name)}`;
  return {
    code: 409,
    reason: "Conflict",
    message: `Operation cannot be fulfilled on ${what}: ${why}`,
    details: resourceDetails(resource, name),
  };
}

export const STALE_OBJECT =
  "the object has been modified; please apply your changes to the latest version and try again";

/** 422 with one cause an error. `kind` is a Kind, or a plural where the real server says so. */
export function invalid(kind: KindName, name: string, errors: readonly FieldError[]): StatusError {
  const what = `${qualified(kind.kind, kind.group)} ${JSON.stringify(name)}`;
  return {
    code: 422,
    reason: "Invalid",
    message: `${what} is invalid: ${formatFieldErrors(errors)}`,
    details: {
      ...(name === "" ? {} : { name }),
      ...(kind.group === "" ? {} : { group: kind.group }),
      ...(kind.kind === "" ? {} : { kind: kind.kind }),
      causes: errors.map(causeOf),
    },
  };
}

/** 422 without causes: a patch that does not apply. */
export function unprocessable(): StatusError {
  return {
    code: 422,
    reason: "Invalid",
    message: "the server rejected our request due to an error in our request",
    details: {},
  };
}

export function badRequest(message: string): StatusError {
  return { code: 400, reason: "BadRequest", message };
}

/** `message` follows `<resource> "<name>" is forbidden: `. */
export function forbidden(resource: ResourceName, name: string, message: string): StatusError {
  const what = qualified(resource.plural, resource.group);
  const named = name === "" ? what : `${what} ${JSON.stringify(name)}`;
  return {
    code: 403,
    reason: "Forbidden",
    message: `${named} is forbidden: ${message}`,
    details: resourceDetails(resource, name),
  };
}

export function unauthorized(): StatusError {
  return { code: 401, reason: "Unauthorized", message: "Unauthorized" };
}

/** 507 for an object more than the server may hold. */
export function storageFull(resource: ResourceName, name: string, limit: number): StatusError {
  const what = `${qualified(resource.plural, resource.group)} ${JSON.stringify(name)}`;
  return {
    code: 507,
    reason: "InsufficientStorage",
    message: `cannot store ${what}: the server holds at most ${limit} objects: delete some first`,
    details: resourceDetails(resource, name),
  };
}

/** 410 for a resourceVersion or continue token that is too old. */
export function expired(message: string): StatusError {
  return { code: 410, reason: "Expired", message };
}

/** 415 for a body or patch type this resource does not take. */
export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  return {
    code: 415,
    reason: "UnsupportedMediaType",
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")}`,
  };
}

export function tooLarge(message: string): StatusError {
  return { code: 413, reason: "RequestEntityTooLarge", message };
}

export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return { code: 429, reason: "TooManyRequests", message, details: { retryAfterSeconds } };
}

/** 504 with a hint to retry: a resourceVersion the server has not reached. */
export function timeout(message: string, retryAfterSeconds: number): StatusError {
  return { code: 504, reason: "Timeout", message, details: { retryAfterSeconds } };
}

function detailsJson(details: StatusDetails): JsonObject {
  const { causes, ...rest } = details;
  if (causes === undefined) return { ...rest };
  return { ...rest, causes: causes.map((cause) => ({ ...cause })) };
}

function resourceDetails(resource: ResourceName, name: string): StatusDetails {
  return {
    ...(name === "" ? {} : { name }),
    ...(resource.group === "" ? {} : { group: resource.group }),
    kind: resource.plural,
  };
}

function qualified(name: string, group: string): string {
  return group === "" ? name : `${name}.${group}`;
}
