import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

/**
 * `npm run test:e2e [-- --kubeconfig FILE --contexts a,b[,c] [--image IMAGE] [--net-image IMAGE] [--node-port PORT] [--charts]
 * [TEST FILE...]]`: the end-to-end suite, or those files of it, against existing clusters, or, without options, against embedded ones.
 */
const { values, positionals } = parseArgs({
  options: {
    kubeconfig: { type: "string" },
    contexts: { type: "string" },
    image: { type: "string" },
    "net-image": { type: "string" },
    "node-port": { type: "string" },
    charts: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
if ((values.kubeconfig === undefined) !== (values.contexts === undefined)) {
  process.stderr.write("--kubeconfig and --contexts go together\n");
  process.exit(2);
}
const more = {
  ISTHMUS_E2E_IMAGE: values.image,
  ISTHMUS_E2E_NET_IMAGE: values["net-image"],
  ISTHMUS_E2E_NODE_PORT: values["node-port"],
  ISTHMUS_E2E_CHARTS: values.charts ? "1" : undefined,
};
if (values.kubeconfig === undefined && Object.values(more).some((one) => one !== undefined)) {
  process.stderr.write(
    "--image, --net-image, --node-port and --charts are for existing clusters: name them with --kubeconfig\n",
  );
  process.exit(2);
}
const contexts = (values.contexts ?? "").split(",").filter((context) => context !== "");
if (values.contexts !== undefined && contexts.length < 2) {
  process.stderr.write(`--contexts must name at least two clusters: got ${values.contexts}\n`);
  process.exit(2);
}
// vitest runs what matches any of its filters: the whole suite beside one file would be the whole suite.
const files = positionals.length === 0 ? ["test/e2e"] : positionals;
const { status } = spawnSync("vitest", ["run", "--project", "system", ...files], {
  stdio: "inherit",
  env: {
    ...process.env,
    ...(values.kubeconfig === undefined ? {} : { ISTHMUS_E2E_KUBECONFIG: values.kubeconfig }),
    ...(values.contexts === undefined ? {} : { ISTHMUS_E2E_CONTEXTS: contexts.join(",") }),
    ...Object.fromEntries(Object.entries(more).filter(([, value]) => value !== undefined)),
  },
});
process.exit(status ?? 1);
