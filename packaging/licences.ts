import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Packaged {
  /** From the checkout. */
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** SPDX expression, as the package says. */
  readonly licence: string;
  /** Its licence file; undefined when it ships none. */
  readonly text: string | undefined;
}

/** The packages whose code is in bundles with these inputs (paths from the checkout, as esbuild's metafile has them), by name. */
export function packagesOf(root: string, inputs: readonly string[]): readonly Packaged[] {
  const folders = new Set(
    inputs.flatMap((input) => {
      const folder = packageFolder(input);
      return folder === undefined ? [] : [folder];
    }),
  );
  return [...folders]
    .map((folder) => describe(root, folder))
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.version < b.version ? -1 : 1));
}

/** `node_modules/a/node_modules/@b/c/lib/x.js` is of `node_modules/a/node_modules/@b/c`. */
function packageFolder(input: string): string | undefined {
  const at = input.lastIndexOf("node_modules/");
  if (at < 0) return undefined;
  const rest = input.slice(at + "node_modules/".length).split("/");
  const name = rest[0]?.startsWith("@") === true ? rest.slice(0, 2) : rest.slice(0, 1);
  return `${input.slice(0, at)}node_modules/${name.join("/")}`;
}

function describe(root: string, folder: string): Packaged {
  const place = join(root, folder);
  const { name, version, license } = JSON.parse(
    readFileSync(join(place, "package.json"), "utf8"),
  ) as { readonly name: string; readonly version: string; readonly license?: string };
  if (license === undefined) {
    throw new Error(`cannot ship ${name} ${version}: package.json must name a licence`);
  }
  const file = readdirSync(place).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  const path = file === undefined ? undefined : join(place, file);
  const text = path !== undefined && existsSync(path) ? readFileSync(path, "utf8") : undefined;
  return { folder, name, version, licence: license, text };
}

/** One document with every licence, to ship beside the bundles. */
export function licenceDocument(packages: readonly Packaged[]): string {
  const overview = packages.map(({ name, version, licence }) => `${name} ${version}: ${licence}`);
  const texts = packages.map(
    ({ name, version, licence, text }) =>
      `\n${"-".repeat(78)}\n${name} ${version}\n\n${text?.trim() ?? `${licence}; the package ships no text of it`}\n`,
  );
  return `Third-party code in these programs:\n\n${overview.join("\n")}\n${texts.join("")}`;
}
