import type { Kind } from "./kind.ts";
import { SERVICE } from "./service/service-kind.ts";

const KINDS: readonly Kind[] = [SERVICE];

/** Every kind the server knows without a CustomResourceDefinition. */
export function builtinKinds(): readonly Kind[] {
  return KINDS;
}
