import { z } from "zod";
import { LEASES } from "../../api/kube/lease.ts";
import { NAMESPACES } from "../../api/kube/namespace.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { commonSettings } from "../../install/common-settings.ts";
import { IDENTITY_SECRET } from "../../install/controllers-process.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { durationSetting, kubeSettings } from "../../runtime/config/common-settings.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { connectPatiently } from "../cluster/connect-kube.ts";
import { restoreWiring } from "../cluster-dns/wire-dns.ts";
import { CONTROLLERS_LEASE } from "../controllers/controllers-lease.ts";
import { refText, removeRef } from "../install/apply-install.ts";
import { cleanNodes } from "../install/clean-nodes.ts";
import { waitForPodsToEnd } from "../install/ending-pods.ts";
import { membersOfHub } from "../install/hub-members.ts";
import {
  type InstalledRef,
  type InstallRecord,
  type Part,
  readRecord,
  recordRef,
  writeRecord,
} from "../install/install-record.ts";
import { restoreLabels } from "../install/namespace-labels.ts";
import { removeHubRecords } from "../install/remove-hub-records.ts";
import { ONWARDS } from "../install/run-install.ts";
import { identityPlaceOf } from "../membership/identity-place.ts";
import { cleanUp, leavingSettings, tellBroker, tellRemoved } from "../membership/leaving.ts";
import { Receipt, type Steps } from "../output/receipt.ts";
import { outputSetting } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

const settingsSchema = z.object({
  ...kubeSettings,
  namespace: commonSettings.namespace,
  ...leavingSettings,
  skipNodes: z
    .boolean()
    .default(false)
    .describe(
      "leave what gateways and node agents put into nodes: for nodes that are gone; a reboot removes it too",
    ),
  force: z
    .boolean()
    .default(false)
    .describe("remove a hub although clusters are its members: they are then without one"),
  output: outputSetting,
  nodesTimeout: durationSetting("5m", "how long to wait for the last node to be clean"),
});
type Settings = z.output<typeof settingsSchema>;

interface Deps {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
  readonly out: Steps;
}

export const uninstallVerb = defineVerb({
  summary:
    "remove what was installed in this cluster; a member leaves its clusterset first; definitions stay (VER-07)",
  positionals: [{ name: "part", description: "hub or member" }],
  settings: settingsSchema,
  async run({ settings, positionals, signal, env, out }) {
    const [part] = positionals;
    if (part !== "hub" && part !== "member") {
      out.problem(`cannot uninstall: must be hub or member: got ${part}`);
      return 2;
    }
    const kube = connectPatiently(settings, env, (text) => out.problem(text));
    const receipt = new Receipt(settings.output, out);
    if (!kube.ok) return receipt.end(kube);
    const deps = { client: kube.value.client, signal, out: receipt };
    return receipt.end(await uninstall(part, settings, deps), ONWARDS);
  },
});

async function uninstall(
  part: Part,
  settings: Settings,
  deps: Deps,
): Promise<Result<undefined, string>> {
  const { namespace } = settings;
  const read = await readRecord(part, namespace, deps);
  if (!read.ok) return read;
  const record = read.value;
  if (record === undefined) return err(`no ${part} was installed in namespace ${namespace}`);
  const left =
    part === "member"
      ? await leave(record, settings, deps)
      : await removeHub(record, settings, deps);
  if (!left.ok) return left;
  for (const ref of record.objects.toReversed()) {
    const removed = await removeUnlessNamespace(ref, deps);
    if (!removed.ok) return removed;
  }
  // Last, so that an uninstall that is cut short can be repeated.
  const otherPart = part === "hub" ? "member" : "hub";
  const other = await readRecord(otherPart, namespace, deps);
  if (!other.ok) return other;
  if (record.madeNamespace && other.value !== undefined) {
    const heir = { ...other.value, madeNamespace: true };
    const handedOn = await writeRecord(otherPart, namespace, heir, deps);
    if (!handedOn.ok) return handedOn;
  }
  const isOurs = record.madeNamespace && other.value === undefined;
  const restored = isOurs
    ? ok(undefined)
    : await restoreLabels(namespace, record.namespaceLabels, deps);
  if (!restored.ok) return restored;
  const removed = await removeUnlessNamespace(recordRef(part, namespace), deps);
  if (!removed.ok) return removed;
  if (isOurs) {
    const gone = await removeNamespace(namespace, settings.timeout, deps);
    if (!gone.ok) return gone;
  }
  if (part === "hub") deps.out.line("left: custom resource definitions stay as they are");
  return ok(undefined);
}

/** The others are told, then the controllers end, then what they made goes: nobody makes it anew meanwhile. */
async function leave(
  record: InstallRecord,
  settings: Settings,
  deps: Deps,
): Promise<Result<undefined, string>> {
  const { client, signal, out } = deps;
  const wanted = { identityDir: "", identitySecret: `${settings.namespace}/${IDENTITY_SECRET}` };
  const place = identityPlaceOf(wanted, () => ok(client), { clock: systemClock, signal });
  if (!place.ok) return place;
  if (!settings.localOnly) {
    const told = await tellBroker(place.value, settings, out);
    if (!told) return err("nothing was removed");
  }
  // Before its server goes, so that nobody is sent to where nobody answers.
  const restored = await restoreWiring(settings.namespace, deps);
  if (!restored.ok) return restored;
  if (!settings.skipNodes) {
    const cleaned = await cleanNodes(record, settings.nodesTimeout, deps);
    if (!cleaned.ok) return cleaned;
  }
  const ended = await endProcesses(record, settings, deps);
  if (!ended.ok) return ended;
  // Made by the election of replicas, and on nobody's record.
  const lease = { resource: LEASES, namespace: settings.namespace, name: CONTROLLERS_LEASE };
  const elected = await client.delete(lease, {}, { signal });
  if (!elected.ok && elected.error.kind !== "not-found") return err(elected.error.message);
  const what = `Lease ${settings.namespace}/${CONTROLLERS_LEASE}`;
  if (elected.ok) out.step({ what, did: "removed" }, `removed ${what}`);
  const cleaned = await cleanUp(client, place.value, signal);
  if (!cleaned.ok) return err(`${cleaned.error}: run it again with --local-only`);
  tellRemoved(cleaned.value, out);
  return ok(undefined);
}

/** First the processes, which would make their records anew. */
async function removeHub(
  record: InstallRecord,
  settings: Settings,
  deps: Deps,
): Promise<Result<undefined, string>> {
  const { namespace, force } = settings;
  const members = force ? ok([]) : await membersOfHub(record, namespace, deps.client);
  if (!members.ok) return members;
  if (members.value === undefined || members.value.length > 0) {
    const who = members.value?.join(", ") ?? "not to be seen from here, with this store";
    return err(
      `members must leave first ("isthmus uninstall member", "isthmus revoke"), or be left without a hub by --force: got ${who}; nothing was removed`,
    );
  }
  const ended = await endProcesses(record, settings, deps);
  if (!ended.ok) return ended;
  const records = await removeHubRecords(namespace, deps);
  if (!records.ok) return records;
  deps.out.step(
    { what: `${records.value} records of the broker`, did: "removed" },
    `removed ${records.value} records of the broker`,
  );
  return ok(undefined);
}

async function endProcesses(
  { objects }: InstallRecord,
  { namespace, timeout }: Settings,
  deps: Deps,
): Promise<Result<undefined, string>> {
  const deployments = objects.filter(({ kind }) => kind === "Deployment");
  for (const ref of deployments) {
    const removed = await removeUnlessNamespace(ref, deps);
    if (!removed.ok) return removed;
  }
  return waitForPodsToEnd(deployments, { namespace, timeoutMs: timeout }, deps);
}

async function removeUnlessNamespace(
  ref: InstalledRef,
  deps: Deps,
): Promise<Result<undefined, string>> {
  if (ref.kind === "Namespace") return ok(undefined);
  const removed = await removeRef(ref, deps);
  if (!removed.ok) return removed;
  const what = refText(ref);
  if (removed.value) deps.out.step({ what, did: "removed" }, `removed ${what}`);
  return ok(undefined);
}

const LOOK_MS = 500;

async function removeNamespace(
  name: string,
  timeoutMs: number,
  { client, signal, out }: Deps,
): Promise<Result<undefined, string>> {
  const target = { resource: NAMESPACES, name };
  const untilMs = systemClock.monotonicMs() + timeoutMs;
  const removed = await client.delete(target, {}, { signal });
  if (!removed.ok && removed.error.kind !== "not-found") return err(removed.error.message);
  while (systemClock.monotonicMs() < untilMs && !signal.aborted) {
    const got = await client.get(target, { signal });
    if (!got.ok && got.error.kind === "not-found") {
      out.step({ what: `Namespace ${name}`, did: "removed" }, `removed Namespace ${name}`);
      return ok(undefined);
    }
    await sleep(systemClock, LOOK_MS, signal);
  }
  return err(`namespace ${name} is being deleted and not gone within ${timeoutMs} ms`);
}
