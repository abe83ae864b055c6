import { int32, type Properties, struct, text, time } from "../../schema/build-schema.ts";
import { OBJECT_REFERENCE } from "../endpoint-slice/endpoint-slice-schema.ts";

const SOURCE = struct("EventSource", "The component reporting this event.", {
  component: text("Component from which the event is generated."),
  host: text("Node name on which the event is generated."),
});

const SERIES = struct("EventSeries", "Data about the series this event represents.", {
  count: int32("Number of occurrences in this series up to the last heartbeat."),
  lastObservedTime: time("Time of the last occurrence observed."),
});

/** The fields both groups name alike. */
const COMMON: Properties = {
  eventTime: time("When this event was first observed."),
  series: SERIES,
  action: text("What action was taken or failed regarding the object."),
  reason: text("Why the action was taken: a short, machine understandable string."),
  related: OBJECT_REFERENCE,
  type: text("Type of this event: Normal or Warning."),
  reportingInstance: text("ID of the controller instance that emitted this event."),
};

export const CORE_EVENT_PROPERTIES: Properties = {
  ...COMMON,
  involvedObject: { ...OBJECT_REFERENCE, description: "The object that this event is about." },
  message: text("A human-readable description of the status of this operation."),
  source: SOURCE,
  firstTimestamp: time("The time at which the event was first recorded."),
  lastTimestamp: time("The time at which the most recent occurrence was recorded."),
  count: int32("The number of times this event has occurred."),
  reportingComponent: text("Name of the controller that emitted this event."),
};

export const NEW_EVENT_PROPERTIES: Properties = {
  ...COMMON,
  regarding: { ...OBJECT_REFERENCE, description: "The object that this event is about." },
  note: text("A human-readable description of the status of this operation, at most 1kB."),
  reportingController: text("Name of the controller that emitted this event."),
  deprecatedSource: SOURCE,
  deprecatedFirstTimestamp: time("The time at which the event was first recorded."),
  deprecatedLastTimestamp: time("The time at which the most recent occurrence was recorded."),
  deprecatedCount: int32("The number of times this event has occurred."),
};
