import type { BackendName } from "../../api/network/backend-name.ts";
import type { ChoiceSettings } from "./choose-path.ts";
import type { Pins } from "./pins.ts";

/** What an admin decides about paths; may change while the process runs, but for the backends. */
export interface PathSettings {
  readonly choice: ChoiceSettings;
  readonly pins: Pins;
}

/** Which of them the controllers' own probes can measure, sent from the pod network as traffic is. */
export const PROBED: readonly BackendName[] = ["underlay", "overlay-cni", "vxlan"];
