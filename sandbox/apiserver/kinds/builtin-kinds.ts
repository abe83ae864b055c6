import type { Kind } from "./kind.ts";

/** Every kind the server knows without a CustomResourceDefinition. */
export function builtinKinds(): readonly Kind[] {
  return [];
}
