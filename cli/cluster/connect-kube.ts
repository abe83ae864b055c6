import { ok, type Result } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { HttpKubeClient } from "../../runtime/kube/client/http-kube-client.ts";
import { KubeConfigAccess } from "../../runtime/kube/client/kube-config-access.ts";
import { loadKubeConfig } from "../../runtime/kube/client/load-kube-config.ts";
import { webSocketPortForward } from "../../runtime/kube/client/web-socket-port-forward.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { PodLogs } from "../../runtime/kube/pod-logs.ts";
import type { PortForward } from "../../runtime/kube/port-forward.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { patientClient } from "./patient-client.ts";

export interface KubeChoice {
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
}

export interface ConnectedKube {
  readonly client: KubeClient;
  readonly forward: PortForward;
  readonly logs: PodLogs;
  /** URL of the API server, for people. */
  readonly server: string;
  readonly contextName: string;
  /** The context's, as kubectl takes it where none is named. */
  readonly namespace: string;
}

/** The client for the cluster that the settings name. No request is made yet: a silent server shows later. */
export function connectKube(
  choice: KubeChoice,
  env: Readonly<Record<string, string | undefined>>,
  meter: Meter,
): Result<ConnectedKube, string> {
  const target = loadKubeConfig({
    env,
    ...(choice.kubeconfig === undefined ? {} : { kubeconfig: choice.kubeconfig }),
    ...(choice.context === undefined ? {} : { context: choice.context }),
  });
  if (!target.ok) return target;
  const access = new KubeConfigAccess(target.value, { clock: systemClock });
  const deps = { access, clock: systemClock, random: systemRandom, meter };
  const client = new HttpKubeClient({}, deps);
  return ok({
    client,
    logs: (query, options) => client.podLog(query, options),
    forward: webSocketPortForward(access),
    server: access.server,
    contextName: target.value.context,
    namespace: target.value.namespace ?? "default",
  });
}

/** The same for a verb that writes and ends, which bears with an API server that is slow or restarts. */
export function connectPatiently(
  choice: KubeChoice,
  env: Readonly<Record<string, string | undefined>>,
  tell: (text: string) => void,
): Result<ConnectedKube, string> {
  const kube = connectKube(choice, env, silentMeter);
  if (!kube.ok) return kube;
  const deps = { clock: systemClock, random: systemRandom, tell };
  return ok({ ...kube.value, client: patientClient(kube.value.client, deps) });
}
