import { createHmac, timingSafeEqual } from "node:crypto";

/** What a service account's token says. Times are epoch seconds. */
export interface TokenClaims {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly audiences: readonly string[];
  readonly issuedAt: number;
  readonly expiresAt: number;
}

const ISSUER = "https://kubernetes.default.svc";
const HEADER = encode({ alg: "HS256", typ: "JWT" });

/** Signs a JWT. Only the server that issued it can check it. */
export function issueToken(claims: TokenClaims, key: Uint8Array): string {
  const payload = encode({
    iss: ISSUER,
    sub: `system:serviceaccount:${claims.namespace}:${claims.name}`,
    aud: claims.audiences,
    iat: claims.issuedAt,
    nbf: claims.issuedAt,
    exp: claims.expiresAt,
    "kubernetes.io": {
      namespace: claims.namespace,
      serviceaccount: { name: claims.name, uid: claims.uid },
    },
  });
  return `${HEADER}.${payload}.${sign(`${HEADER}.${payload}`, key)}`;
}

/** The claims of a token that this key signed and that has not expired; undefined for anything else. */
export function verifyToken(
  token: string,
  key: Uint8Array,
  nowMs: number,
): TokenClaims | undefined {
  const [header, payload, signature, ...more] = token.split(".");
  if (header !== HEADER || payload === undefined || signature === undefined || more.length > 0) {
    return undefined;
  }
  const expected = Buffer.from(sign(`${header}.${payload}`, key));
  const given = Buffer.from(signature);
  if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
  const claims = parsePayload(payload);
  return claims.expiresAt * 1000 > nowMs ? claims : undefined;
}

/** Only called on what we signed ourselves. */
function parsePayload(payload: string): TokenClaims {
  const json = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as {
    readonly aud: readonly string[];
    readonly iat: number;
    readonly exp: number;
    readonly "kubernetes.io": {
      readonly namespace: string;
      readonly serviceaccount: { readonly name: string; readonly uid: string };
    };
  };
  const { namespace, serviceaccount } = json["kubernetes.io"];
  return {
    namespace,
    ...serviceaccount,
    audiences: json.aud,
    issuedAt: json.iat,
    expiresAt: json.exp,
  };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value), "utf8").toString("base64url");
}

function sign(text: string, key: Uint8Array): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}
