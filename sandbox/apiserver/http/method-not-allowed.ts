import type { StatusError } from "../object/status-error.ts";

/** 405 in the form of the real server's request routing. */
export function methodNotAllowed(): StatusError {
  return {
    code: 405,
    reason: "MethodNotAllowed",
    message: "the server does not allow this method on the requested resource",
    details: {},
  };
}
