import { type FieldError, invalidValue } from "../../object/field-error.ts";
import { field, type JsonObject, numberAt, stringAt, withField } from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { int32, pointer, struct, text, time } from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";

export const LEASE = builtinKind({
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
  description: "Lease defines a lease concept.",
  properties: {
    spec: struct("LeaseSpec", "spec contains the specification of the Lease.", {
      holderIdentity: pointer(text("Identity of the holder of a current lease.")),
      leaseDurationSeconds: pointer(
        int32("Seconds that candidates wait after renewTime before they acquire the lease."),
      ),
      acquireTime: time("When the current lease was acquired, with microseconds."),
      renewTime: time("When the holder last renewed the lease, with microseconds."),
      leaseTransitions: pointer(int32("Number of transitions of the lease between holders.")),
      strategy: pointer(text("Strategy for picking the leader in coordinated leader election.")),
      preferredHolder: pointer(text("A more optimal holder the lease should be handed to.")),
    }),
  },
  empty: { spec: {} },
  columns: [
    textColumn("Holder", "Identity of the holder", (lease) =>
      stringAt(lease, ["spec", "holderIdentity"]),
    ),
    AGE_COLUMN,
  ],
  name: dnsSubdomain,
  rules: {
    applyDefaults: (lease) => withField(lease, "spec", field(lease, "spec") ?? {}),
    validate: validateLease,
  },
});

function validateLease(lease: JsonObject): readonly FieldError[] {
  const seconds = numberAt(lease, ["spec", "leaseDurationSeconds"]);
  const transitions = numberAt(lease, ["spec", "leaseTransitions"]);
  const errors: FieldError[] = [];
  if (seconds !== undefined && seconds <= 0) {
    errors.push(invalidValue("spec.leaseDurationSeconds", seconds, "must be greater than 0"));
  }
  if (transitions !== undefined && transitions < 0) {
    const text = "must be greater than or equal to 0";
    errors.push(invalidValue("spec.leaseTransitions", transitions, text));
  }
  return errors;
}
