import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * `node compile-code.ts VERB...` while an image is made, with the Node of its processes and as their user: Node keeps the code that it
 * compiled in NODE_COMPILE_CACHE, by version, by user and by those of its flags that change code, one verb each. It says
 * nothing where it may not write: this fails then.
 */
const folder = process.env["NODE_COMPILE_CACHE"];
if (folder === undefined) throw new Error("NODE_COMPILE_CACHE must name a folder: got nothing");
const program = join(import.meta.dirname, "bin/isthmus.mjs");
for (const verb of process.argv.slice(2)) {
  const { status, stderr } = spawnSync(process.execPath, [program, verb, "--help"], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`isthmus ${verb} --help ended with ${status}: ${stderr}`);
}
const kept = readdirSync(folder, { recursive: true, withFileTypes: true });
if (!kept.some((entry) => entry.isFile())) {
  throw new Error(`no compiled code in ${folder}: may user ${process.getuid?.()} write there?`);
}
