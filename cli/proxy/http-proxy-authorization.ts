import { readFile } from "node:fs/promises";
import { err, ok, type Result } from "../../api/result.ts";
import type { ProxySettings } from "./proxy-settings.ts";

/** What a header's value may hold, one line of it (RFC 9110 section 5.5). */
const VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;

/** The settings with `httpProxyAuthorization` from its file. Error: what is wrong with which setting; never the value. */
export async function withAuthorization(
  settings: ProxySettings,
): Promise<Result<ProxySettings, string>> {
  const { httpProxyAuthorizationFile: path, httpProxyAuthorization: given, httpProxy } = settings;
  if (path === undefined) return ok(settings);
  if (given !== undefined) {
    return err("settings httpProxyAuthorization and httpProxyAuthorizationFile exclude each other");
  }
  if (httpProxy === undefined) {
    return err("setting httpProxyAuthorizationFile needs httpProxy: got none");
  }
  try {
    const value = (await readFile(path, "utf8")).trim();
    if (VALUE.test(value)) return ok({ ...settings, httpProxyAuthorization: value });
    const seen = value === "" ? "nothing" : `${value.length} characters that are not`;
    return err(
      `setting httpProxyAuthorizationFile: ${path} must hold a header's value: got ${seen}`,
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return err(`setting httpProxyAuthorizationFile cannot be read: ${reason}`);
  }
}
