import type { KubeObject } from "../../../api/kube/object.ts";
import type { Logger } from "../../log/log.ts";
import { objectKey } from "../object-view.ts";

/**
 * A reflector's `project` that parses at the edge: whatever is not of the expected shape is left out of the view and
 * logged, once for each version of the object.
 */
export function parseWith<T extends KubeObject>(
  parse: (object: KubeObject) => { readonly value: T; readonly problems: readonly string[] },
  log: Logger,
): (object: T) => T {
  return (object) => {
    const { value, problems } = parse(object);
    if (problems.length > 0) {
      log.warn("object is not well-formed", {
        kind: object.kind,
        key: objectKey(object),
        problems,
      });
    }
    return value;
  };
}
