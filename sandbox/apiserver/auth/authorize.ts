import { err, ok, type Result } from "../../../api/result.ts";
import { forbidden, type StatusError } from "../object/status-error.ts";
import { ANONYMOUS, AUTHENTICATED, isMaster, type User } from "./user.ts";

/** What a request wants to do. */
export type Attributes =
  | {
      readonly kind: "resource";
      readonly verb: string;
      readonly group: string;
      readonly resource: string;
      readonly subresource: string;
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly kind: "path"; readonly verb: string; readonly path: string };

const PUBLIC_PATHS = ["/healthz", "/livez", "/readyz", "/version"];
const DISCOVERY_PATHS = ["/api", "/apis", "/openapi"];
/** Anyone who is somebody may ask about themselves (the real server's role system:basic-user). */
const SELF_REVIEWS = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];

/** There are no roles: masters may do everything, others only what every user of a real cluster may. */
export function isAllowed(user: User, attributes: Attributes): boolean {
  if (isMaster(user)) return true;
  const isSomebody = user.groups.includes(AUTHENTICATED);
  if (attributes.kind === "path") {
    if (attributes.verb !== "get") return false;
    if (under(PUBLIC_PATHS, attributes.path)) return true;
    return isSomebody && under(DISCOVERY_PATHS, attributes.path);
  }
  return isSomebody && attributes.verb === "create" && SELF_REVIEWS.includes(attributes.resource);
}

export function authorize(user: User, attributes: Attributes): Result<void, StatusError> {
  if (isAllowed(user, attributes)) return ok(undefined);
  if (attributes.kind === "path") {
    const message = `forbidden: User ${JSON.stringify(user.name)} cannot ${attributes.verb} path ${JSON.stringify(attributes.path)}`;
    return err({ code: 403, reason: "Forbidden", message, details: {} });
  }
  const { group, resource, subresource, namespace, name, verb } = attributes;
  const what = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
  const why = `User ${JSON.stringify(user.name)} cannot ${verb} resource "${what}" in API group "${group}" ${where}`;
  return err(forbidden({ group, plural: resource }, name, why));
}

/** The user that a master asks to act as. */
export function impersonate(
  user: User,
  asked: { readonly name: string; readonly groups: readonly string[] },
): Result<User, StatusError> {
  if (asked.name === "") {
    if (asked.groups.length === 0) return ok(user);
    const message = "requested [{Group}] without impersonating a user";
    return err({ code: 500, reason: "InternalError", message });
  }
  const [, , namespace, account] = asked.name.split(":");
  const isServiceAccount =
    asked.name.startsWith("system:serviceaccount:") &&
    namespace !== undefined &&
    account !== undefined;
  const attributes: Attributes = {
    kind: "resource",
    verb: "impersonate",
    group: "",
    resource: isServiceAccount ? "serviceaccounts" : "users",
    subresource: "",
    namespace: isServiceAccount ? namespace : "",
    name: isServiceAccount ? account : asked.name,
  };
  const allowed = authorize(user, attributes);
  if (!allowed.ok) return allowed;
  if (asked.name === ANONYMOUS.name) return ok(ANONYMOUS);
  const implied = isServiceAccount
    ? ["system:serviceaccounts", `system:serviceaccounts:${namespace}`]
    : [];
  const groups = asked.groups.length > 0 ? asked.groups : implied;
  return ok({ name: asked.name, groups: [...groups, AUTHENTICATED] });
}

function under(roots: readonly string[], path: string): boolean {
  return roots.some((root) => path === root || path.startsWith(`${root}/`));
}
