import { err, ok, type Result } from "../../api/result.ts";

const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const PORT_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SHOWN_CHARS = 80;

/** A peer's text in an error: quoted and short. */
export function quote(text: string): string {
  return text.length <= SHOWN_CHARS
    ? JSON.stringify(text)
    : `${JSON.stringify(text.slice(0, SHOWN_CHARS))} (cut, ${text.length} characters)`;
}

/** RFC 1123 subdomain, at most 253 bytes: names of EndpointSlices, prefixes of label keys. */
export function parseSubdomain(what: string, text: string): Result<string, string> {
  return text.length <= 253 && SUBDOMAIN.test(text)
    ? ok(text)
    : err(`${what} must be an RFC 1123 subdomain of at most 253 bytes: got ${quote(text)}`);
}

/** `[prefix/]name` as Kubernetes has it for label and annotation keys and appProtocol. */
export function parseQualifiedName(what: string, text: string): Result<string, string> {
  const slash = text.indexOf("/");
  const prefix = slash < 0 ? undefined : text.slice(0, slash);
  const name = text.slice(slash + 1);
  const prefixFits = prefix === undefined || parseSubdomain(what, prefix).ok;
  return prefixFits && name.length <= 63 && NAME.test(name)
    ? ok(text)
    : err(
        `${what} must be [subdomain/]name with a name of at most 63 bytes of [A-Za-z0-9-_.]: got ${quote(text)}`,
      );
}

/** Value of a label; also the form of a zone (EPS-12). */
export function parseLabelValue(what: string, text: string): Result<string, string> {
  return text === "" || (text.length <= 63 && NAME.test(text))
    ? ok(text)
    : err(`${what} must be at most 63 bytes of [A-Za-z0-9-_.]: got ${quote(text)}`);
}

/** Name of a Service port or an EndpointSlice port: a DNS label, or empty. */
export function parsePortName(text: string): Result<string, string> {
  return text === "" || (text.length <= 63 && PORT_NAME.test(text))
    ? ok(text)
    : err(
        `port name must be empty or a lower-case DNS label of at most 63 bytes: got ${quote(text)}`,
      );
}

/** A value out of a closed set. */
export function parseOneOf<T extends string>(
  what: string,
  choices: readonly T[],
  text: string,
): Result<T, string> {
  const found = choices.find((choice) => choice === text);
  return found === undefined
    ? err(
        `${what} must be ${choices.map((c) => JSON.stringify(c)).join(" or ")}: got ${quote(text)}`,
      )
    : ok(found);
}
