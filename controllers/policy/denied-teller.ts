import type { Namespace } from "../../api/kube/namespace.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Gauge, Meter } from "../../runtime/metrics/meter.ts";
import { deniedNamespaces, type MemberPolicy } from "./member-policy.ts";

/** Namespaces named in one log line. */
const LOGGED_MAX = 20;

/** Says which namespaces policy keeps out, in the log and in metrics, whenever they are others. */
export class DeniedTeller {
  readonly #denied: Gauge;
  readonly #log: Logger;
  /** What was said last. */
  #text = "";

  constructor({ meter, log }: { readonly meter: Meter; readonly log: Logger }) {
    this.#log = log;
    this.#denied = meter.gauge({
      name: "isthmus_controllers_denied_namespaces",
      help: "Namespaces of this cluster that its policy keeps from being exported from or imported into.",
      labels: ["direction"],
    });
  }

  note(policy: MemberPolicy, namespaces: Iterable<Namespace>): void {
    const denied = deniedNamespaces(policy, namespaces);
    const text = JSON.stringify(denied);
    if (text === this.#text) return;
    this.#text = text;
    for (const direction of ["export", "import"] as const) {
      this.#denied.set(denied[direction].length, { direction });
    }
    this.#log.info("namespaces kept out by policy", {
      exports: denied.export.slice(0, LOGGED_MAX),
      imports: denied.import.slice(0, LOGGED_MAX),
    });
  }
}
