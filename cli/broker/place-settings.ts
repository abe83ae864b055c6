import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import { type BrokerPlace } from "../../broker/place/broker-place.ts";
import { openPlace, type PlaceChoice, type PlaceDeps } from "../../broker/place/open-place.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { connectKube } from "../cluster/connect-kube.ts";
import { SYSTEM_NAMESPACE } from "../cluster/system-namespace.ts";

export const DEFAULT_DATA_DIR = ".isthmus/broker";

/** Where the broker keeps what it must not lose, for the broker and the commands beside it. */
export const placeSettings = {
  dataDir: z
    .string()
    .default(DEFAULT_DATA_DIR)
    .describe(
      "directory of the audit log and the admin socket, and with --store file of everything else: one broker at a time",
    ),
  clusterset: z.string().default("default").describe("name of the clusterset, a DNS label"),
  store: z
    .enum(["file", "kubernetes", "etcd"])
    .default("file")
    .describe(
      "what keeps rows, members, authority and tokens: the data directory, the hub's API server, or an etcd cluster; the latter two let any number of replicas run",
    ),
  storeNamespace: z
    .string()
    .default(SYSTEM_NAMESPACE)
    .describe("namespace of the hub, for --store kubernetes; it must exist"),
  ...kubeSettings,
  etcdEndpoints: z
    .array(z.string())
    .default([])
    .describe("members of the cluster as http(s)://host:port, for --store etcd"),
  etcdPrefix: z
    .string()
    .default("/isthmus")
    .describe("of every key, before the clusterset's name, for --store etcd"),
  etcdCa: z.string().optional().describe("PEM file of the authority of etcd's certificates"),
  etcdCert: z.string().optional().describe("PEM file of a client certificate for etcd"),
  etcdKey: z.string().optional().describe("PEM file of its key"),
} as const;

type PlaceSettings = z.output<z.ZodObject<typeof placeSettings>>;

/** Nothing is asked of an engine yet. Error: the settings do not say which place. */
export function placeOf(
  settings: PlaceSettings,
  env: Readonly<Record<string, string | undefined>>,
  deps: PlaceDeps,
): Result<BrokerPlace, string> {
  const choice = choiceOf(settings, env, deps);
  return choice.ok ? openPlace(choice.value, deps) : choice;
}

function choiceOf(
  settings: PlaceSettings,
  env: Readonly<Record<string, string | undefined>>,
  { meter }: PlaceDeps,
): Result<PlaceChoice, string> {
  const { store, dataDir, clusterset } = settings;
  const { HOSTNAME: hostname } = env;
  const replica = hostname === undefined ? {} : { replica: hostname };
  if (store === "file") return ok({ kind: "file", dataDir });
  if (store === "etcd") {
    const { etcdEndpoints: endpoints, etcdPrefix } = settings;
    if (endpoints.length === 0) return err("--store etcd needs --etcd-endpoints: got none");
    const { etcdCa: caFile, etcdCert: certFile, etcdKey: keyFile } = settings;
    const access = { endpoints, caFile, certFile, keyFile };
    return ok({ kind: "etcd", access, prefix: `${etcdPrefix}/${clusterset}`, ...replica });
  }
  const kube = connectKube(settings, env, meter);
  if (!kube.ok) return kube;
  const { client } = kube.value;
  const namespace = settings.storeNamespace;
  return ok({ kind: "kubernetes", client, namespace, clusterset, ...replica });
}
