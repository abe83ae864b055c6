import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { createFile, hasCode } from "../../files/atomic-file.ts";
import { makeFolder } from "../../files/make-folder.ts";
import { CertificateAuthority, createAuthorityMaterial } from "./certificate-authority.ts";

const FILE = "authority.pem";
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/;
const KEY = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n?/;

/**
 * The authority kept in a broker's data folder, created on first use. Key and certificate share one file
 * (mode 0600), created whole: two processes that start at once end up with the same authority.
 */
export async function openAuthorityFile(
  dataDir: string,
  clusterset: string,
  clock: Clock,
): Promise<Result<CertificateAuthority, string>> {
  const path = join(dataDir, FILE);
  try {
    let text = await readIfPresent(path);
    if (text === undefined) {
      const made = await createAuthorityMaterial(clusterset, clock);
      if (!made.ok) return made;
      await makeFolder(dataDir);
      await createFile(path, made.value.keyPem + made.value.certPem);
      text = await readFile(path, "utf8");
    }
    return await parseAuthority(path, text, clusterset, clock);
  } catch (error) {
    return err(
      `cannot open authority: ${path}: ${error instanceof Error ? error.message : "unknown error"}`,
    );
  }
}

/** The authority of a data folder that a broker has been started on; undefined when there is none yet. */
export async function findAuthorityFile(
  dataDir: string,
  clock: Clock,
): Promise<Result<CertificateAuthority | undefined, string>> {
  const path = join(dataDir, FILE);
  try {
    const text = await readIfPresent(path);
    return text === undefined ? ok(undefined) : await parseAuthority(path, text, undefined, clock);
  } catch (error) {
    return err(
      `cannot open authority: ${path}: ${error instanceof Error ? error.message : "unknown error"}`,
    );
  }
}

async function parseAuthority(
  path: string,
  text: string,
  clusterset: string | undefined,
  clock: Clock,
): Promise<Result<CertificateAuthority, string>> {
  const keyPem = KEY.exec(text)?.[0];
  const certPem = CERTIFICATE.exec(text)?.[0];
  if (keyPem === undefined || certPem === undefined) {
    return err(
      `cannot open authority: ${path} must hold a private key and a certificate in PEM: got ${text.length} bytes without both`,
    );
  }
  const authority = await CertificateAuthority.open({ keyPem, certPem }, clock);
  if (!authority.ok) return err(`${authority.error} (${path})`);
  if (clusterset !== undefined && authority.value.clusterset !== clusterset) {
    return err(
      `cannot open authority: ${path} must belong to clusterset ${clusterset}: got ${authority.value.clusterset}`,
    );
  }
  return authority;
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
