import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

/**
 * `npm run test:e2e [-- --kubeconfig FILE --contexts a,b[,c]]`: the end-to-end suite against existing clusters, or,
 * without arguments, against embedded ones.
 */
const { values, positionals } = parseArgs({
  options: { kubeconfig: { type: "string" }, contexts: { type: "string" } },
  allowPositionals: true,
});
if ((values.kubeconfig === undefined) !== (values.contexts === undefined)) {
  process.stderr.write("--kubeconfig and --contexts go together\n");
  process.exit(2);
}
const contexts = (values.contexts ?? "").split(",").filter((context) => context !== "");
if (values.contexts !== undefined && contexts.length < 2) {
  process.stderr.write(`--contexts must name at least two clusters: got ${values.contexts}\n`);
  process.exit(2);
}
const { status } = spawnSync("vitest", ["run", "--project", "system", "test/e2e", ...positionals], {
  stdio: "inherit",
  env: {
    ...process.env,
    ...(values.kubeconfig === undefined ? {} : { ISTHMUS_E2E_KUBECONFIG: values.kubeconfig }),
    ...(values.contexts === undefined ? {} : { ISTHMUS_E2E_CONTEXTS: contexts.join(",") }),
  },
});
process.exit(status ?? 1);
