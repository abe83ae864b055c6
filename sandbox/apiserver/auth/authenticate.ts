import { err, ok, type Result } from "../../../api/result.ts";
import { type StatusError, unauthorized } from "../object/status-error.ts";
import { type TokenClaims, verifyToken } from "./service-account-token.ts";
import { ANONYMOUS, AUTHENTICATED, serviceAccountUser, type User } from "./user.ts";

/** What a connection and its request say about who is there. */
export interface Credentials {
  /** Of a client certificate that the client CA signed. */
  readonly certificate?: { readonly commonName: string; readonly organizations: readonly string[] };
  /** The Authorization header. */
  readonly authorization?: string;
}

export interface AuthenticationOptions {
  /** Bearer tokens known from the start. */
  readonly staticTokens: ReadonlyMap<string, User>;
  /** Signs service account tokens. */
  readonly tokenKey: Uint8Array;
  /** A token ends with its service account. */
  serviceAccountExists(claims: TokenClaims): boolean;
}

/** A certificate wins over a token; neither makes one anonymous; a bad token is 401. */
export function authenticate(
  credentials: Credentials,
  options: AuthenticationOptions,
  nowMs: number,
): Result<User, StatusError> {
  const { certificate, authorization } = credentials;
  if (certificate !== undefined) {
    return ok({
      name: certificate.commonName,
      groups: [...certificate.organizations, AUTHENTICATED],
    });
  }
  const token = /^bearer\s+(?<token>\S+)\s*$/i.exec(authorization ?? "")?.groups?.["token"];
  if (token === undefined) return ok(ANONYMOUS);
  const known = options.staticTokens.get(token);
  if (known !== undefined) return ok(known);
  const claims = verifyToken(token, options.tokenKey, nowMs);
  if (claims === undefined || !options.serviceAccountExists(claims)) return err(unauthorized());
  return ok(serviceAccountUser(claims.namespace, claims.name, claims.uid));
}
