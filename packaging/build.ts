import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { billOfMaterials, type Locked } from "./bill-of-materials.ts";
import { bundlePrograms, ROOT } from "./bundle.ts";
import { licenceDocument, packagesOf } from "./licences.ts";
import { PROGRAMS } from "./programs.ts";

/**
 * `npm run build [-- --out FOLDER] [--program NAME ...]`: the programs, all or those, as one file each, with what they read beside
 * them, the licences of all code in them and a bill of materials. The folder is what an image holds; an image needs `isthmus` alone.
 */
const { out, program: programs } = parseArgs({
  options: {
    out: { type: "string", default: join(ROOT, "dist") },
    program: { type: "string", multiple: true, default: Object.keys(PROGRAMS) },
  },
}).values;
const unknown = programs.filter((name) => !(name in PROGRAMS));
if (unknown.length > 0) {
  throw new Error(
    `--program must be of ${Object.keys(PROGRAMS).join(", ")}: got ${unknown.join(", ")}`,
  );
}

rmSync(out, { recursive: true, force: true });
const inputs = await bundlePrograms(join(out, "bin"), programs);
for (const folder of ["api/crds", "api/cluster-policy", "api/observability"]) {
  cpSync(join(ROOT, folder), join(out, folder), { recursive: true });
}
const packages = packagesOf(ROOT, inputs);
writeFileSync(join(out, "LICENCES.txt"), licenceDocument(packages));
cpSync(join(ROOT, "LICENSE"), join(out, "LICENSE"));

const program = readJson("package.json") as Parameters<typeof billOfMaterials>[0];
const lock = readJson("package-lock.json") as { readonly packages: Locked };
writeFileSync(join(out, "sbom.cdx.json"), billOfMaterials(program, packages, lock.packages));

// The addon is built by `npm run build:native`, where there is a compiler; without it `dns` uses node:dgram.
try {
  cpSync(
    join(ROOT, "dns-server/native/build/udp-batch.node"),
    join(out, "dns-server/native/build/udp-batch.node"),
  );
} catch (error) {
  process.stderr.write(
    `without the native addon of the DNS server (npm run build:native): ${String(error)}\n`,
  );
}
process.stdout.write(`${out}: programs with code of ${packages.length} packages\n`);

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, name), "utf8"));
}
