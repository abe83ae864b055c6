import { fileURLToPath } from "node:url";
import { readClusterPolicy } from "../../runtime/kube/policy/read-cluster-policy.ts";

const MEMBER = fileURLToPath(new URL("../../api/cluster-policy", import.meta.url));
const HUB = fileURLToPath(new URL("../../api/cluster-policy/hub", import.meta.url));

/** Texts of the roles and policies of a member, or of a hub, as they are shipped. */
export function shippedPolicy(part: "member" | "hub"): readonly string[] {
  return readClusterPolicy(part === "hub" ? HUB : MEMBER);
}
