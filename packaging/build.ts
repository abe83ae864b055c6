import { spawnSync } from "node:child_process";
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundlePrograms, ROOT } from "./bundle.ts";
import { licenceDocument, packagesOf } from "./licences.ts";

/**
 * `npm run build [-- --out FOLDER]`: the programs as one file each, with what they read beside them, the licences of all
 * code in them and a bill of materials (CycloneDX, of the dependencies at run time). The folder is what an image holds.
 */
const flag = process.argv.indexOf("--out");
const out = flag < 0 ? join(ROOT, "dist") : (process.argv[flag + 1] ?? "");
if (out === "") throw new Error("--out must name a folder: got nothing");

rmSync(out, { recursive: true, force: true });
const inputs = await bundlePrograms(join(out, "bin"));
for (const folder of ["api/crds", "api/cluster-policy", "api/observability"]) {
  cpSync(join(ROOT, folder), join(out, folder), { recursive: true });
}
const packages = packagesOf(ROOT, inputs);
writeFileSync(join(out, "LICENCES.txt"), licenceDocument(packages));
cpSync(join(ROOT, "LICENSE"), join(out, "LICENSE"));

const sbom = spawnSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--omit", "dev"], {
  cwd: ROOT,
  encoding: "utf8",
  maxBuffer: 64 << 20,
});
if (sbom.status !== 0) throw new Error(`npm sbom failed: ${sbom.stderr}`);
writeFileSync(join(out, "sbom.cdx.json"), sbom.stdout);

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
