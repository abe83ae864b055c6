import { int64, mapList, struct, text, time } from "../schema/build-schema.ts";

/** metav1.Condition, told apart by type. */
export const CONDITION_LIST = mapList(
  "Current state of this object.",
  { keys: ["type"], mergeKey: "type" },
  struct("Condition", "Condition contains details for one aspect of the current state.", {
    type: text("Type of condition in CamelCase or in foo.example.com/CamelCase."),
    status: text("Status of the condition, one of True, False, Unknown."),
    observedGeneration: int64("The .metadata.generation that the condition was set based upon."),
    lastTransitionTime: time("Last time the condition changed from one status to another."),
    reason: text("Programmatic identifier of the reason for the last transition."),
    message: text("Human readable details about the transition."),
  }),
);
