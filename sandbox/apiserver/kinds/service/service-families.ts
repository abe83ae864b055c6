import type { IpFamily } from "../../../../api/kube/service.ts";
import { type FieldError, invalidValue } from "../../object/field-error.ts";
import { type JsonObject, objectAt, withField } from "../../object/json.ts";
import { parseIp } from "./ip-range.ts";
import { hasClusterIp, isHeadless, type ServiceSpecView, viewSpec } from "./service-spec.ts";

/** Which families a Service gets: from its addresses, its wish and what the cluster has. Absent values are filled in. */
export function withFamilies(
  service: JsonObject,
  clusterFamilies: readonly IpFamily[],
): JsonObject {
  const plain = withPluralIps(service);
  const view = viewSpec(plain);
  if (!hasClusterIp(view)) return plain;
  const policy = policyOf(view);
  const families = familiesOf(view, policy, clusterFamilies);
  const spec = { ...objectAt(plain, ["spec"]), ipFamilies: families, ipFamilyPolicy: policy };
  return withField(plain, "spec", spec);
}

/** `clusterIP` and `clusterIPs[0]` say the same; a client may write either. */
function withPluralIps(service: JsonObject): JsonObject {
  const { clusterIP, clusterIPs } = viewSpec(service);
  const spec = objectAt(service, ["spec"]);
  if (clusterIP !== "" && clusterIPs.length === 0) {
    return withField(service, "spec", { ...spec, clusterIPs: [clusterIP] });
  }
  const [first] = clusterIPs;
  if (clusterIP === "" && first !== undefined) {
    return withField(service, "spec", { ...spec, clusterIP: first });
  }
  return service;
}

function policyOf(view: ServiceSpecView): string {
  if (view.ipFamilyPolicy !== "") return view.ipFamilyPolicy;
  const selectorless = Object.keys(view.selector).length === 0;
  const dual = view.ipFamilies.length > 1 || view.clusterIPs.length > 1;
  // Whoever writes the endpoints of such a service decides on their families.
  return dual || (isHeadless(view) && selectorless) ? "RequireDualStack" : "SingleStack";
}

function familiesOf(
  view: ServiceSpecView,
  policy: string,
  clusterFamilies: readonly IpFamily[],
): readonly string[] {
  const fromIps = view.clusterIPs.flatMap((ip) => parseIp(ip)?.family ?? []);
  const wished = view.ipFamilies.length > 0 ? [...view.ipFamilies] : fromIps;
  const families: string[] = wished.length > 0 ? wished : clusterFamilies.slice(0, 1);
  if (policy === "SingleStack" || families.length > 1) return families;
  const [first] = families;
  const second = first === "IPv4" ? "IPv6" : "IPv4";
  const selectorless = Object.keys(view.selector).length === 0;
  const available = clusterFamilies.some((family) => family === second);
  // A headless service without a selector has no address to allocate, so nothing the cluster must have.
  const free = isHeadless(view) && selectorless && policy === "RequireDualStack";
  return available || free ? [...families, second] : families;
}

/** What the cluster cannot give. */
export function validateFamilies(
  view: ServiceSpecView,
  clusterFamilies: readonly IpFamily[],
): readonly FieldError[] {
  if (!hasClusterIp(view)) return [];
  const errors: FieldError[] = [];
  if (
    view.ipFamilyPolicy === "SingleStack" &&
    Math.max(view.ipFamilies.length, view.clusterIPs.length) > 1
  ) {
    const text =
      "must be RequireDualStack or PreferDualStack when multiple IP families are specified";
    errors.push(invalidValue("spec.ipFamilyPolicy", view.ipFamilyPolicy, text));
  }
  const selectorless = isHeadless(view) && Object.keys(view.selector).length === 0;
  if (view.ipFamilyPolicy === "RequireDualStack" && clusterFamilies.length < 2 && !selectorless) {
    errors.push(
      invalidValue(
        "spec.ipFamilyPolicy",
        view.ipFamilyPolicy,
        "this cluster is not configured for dual-stack services",
      ),
    );
  }
  view.ipFamilies.forEach((family, index) => {
    if (!selectorless && isFamily(family) && !clusterFamilies.some((known) => known === family)) {
      errors.push(
        invalidValue(`spec.ipFamilies[${index}]`, family, "not configured on this cluster"),
      );
    }
  });
  return errors;
}

function isFamily(text: string): boolean {
  return text === "IPv4" || text === "IPv6";
}
