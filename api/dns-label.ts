import { err, ok, type Result } from "./result.ts";

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

/** RFC 1123 DNS label (lower case, at most 63 bytes): names of namespaces, clusters, hostnames. */
export function parseDnsLabel(what: string, text: string): Result<string, string> {
  if (text.length > 63) {
    return err(`cannot parse ${what}: must be a DNS label of at most 63 bytes: got ${text.length}`);
  }
  if (!LABEL.test(text)) {
    return err(
      `cannot parse ${what}: must be a lower-case RFC 1123 DNS label ([a-z0-9-], starting and ending with a letter or digit): got ${JSON.stringify(text)}`,
    );
  }
  return ok(text);
}

/** RFC 1035 DNS label: names of Services (may not start with a digit). */
export function parseServiceName(text: string): Result<string, string> {
  if (text.length > 63 || !LABEL_1035.test(text)) {
    return err(
      `cannot parse service name: must be an RFC 1035 DNS label of at most 63 bytes: got ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  return ok(text);
}
