import type { Packaged } from "./licences.ts";

/** Of the lock: what `npm install` fetches is what has this hash. */
export type Locked = Readonly<Record<string, { readonly integrity?: string }>>;

/**
 * What the programs are made of, as CycloneDX 1.5 JSON: exactly the packages of the licence document. (`npm sbom --omit dev` leaves
 * out whatever a development tool needs too.)
 * @param locked `packages` of package-lock.json
 */
export function billOfMaterials(
  program: { readonly name: string; readonly version: string; readonly license: string },
  packages: readonly Packaged[],
  locked: Locked,
): string {
  const { name, version, license } = program;
  const bill = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": `${name}@${version}`,
        ...{ name, version },
        licenses: [{ expression: license }],
      },
    },
    components: packages.map((each) => component(each, locked)),
  };
  return `${JSON.stringify(bill, undefined, 2)}\n`;
}

function component({ name, version, licence, folder }: Packaged, locked: Locked): object {
  // The only part of a name that a package URL does not take as it is.
  const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
  // As the lock names it, wherever node_modules is a link to.
  const key = folder.slice(folder.indexOf("node_modules/"));
  const [algorithm = "", digest = ""] = (locked[key]?.integrity ?? "").split("-");
  if (algorithm !== "sha512") {
    throw new Error(
      `cannot list ${name} ${version}: the lock must have its sha512: got "${algorithm}"`,
    );
  }
  const content = Buffer.from(digest, "base64").toString("hex");
  return {
    type: "library",
    "bom-ref": `${name}@${version}`,
    ...{ name, version, purl },
    licenses: [{ expression: licence }],
    hashes: [{ alg: "SHA-512", content }],
  };
}
