import { z } from "zod";
import { parseServiceName } from "../../api/dns-label.ts";
import { apiVersionOf, type Resource } from "../../api/kube/object.ts";
import { SERVICES } from "../../api/kube/service.ts";
import { ANNOTATION_AUTO_EXPORT, LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import {
  MCS_GROUP,
  MCS_VERSIONS,
  type ServiceExport,
  serviceExports,
} from "../../api/mcs/service-export.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { connectPatiently } from "../cluster/connect-kube.ts";
import { outputSetting, render } from "../output/render.ts";
import { defineVerb, type VerbInput } from "../verb.ts";

const settings = z.object({
  ...kubeSettings,
  namespace: z.string().optional().describe("namespace of the Service; default: the context's"),
  output: outputSetting,
});
const positionals = [{ name: "service", description: "name of the Service" }];

interface Asked {
  readonly client: KubeClient;
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
}

export const exportVerb = defineVerb({
  summary: "export a Service to the clusterset: makes its ServiceExport",
  positionals,
  settings,
  async run(input) {
    const { out, signal } = input;
    const asked = await ask(input);
    if (!asked.ok) {
      out.problem(asked.error);
      return 1;
    }
    const { client, resource, namespace, name } = asked.value;
    const object: ServiceExport = {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { namespace, name },
    };
    const created = await client.create(resource, object, { signal });
    if (!created.ok && created.error.kind !== "already-exists") {
      out.problem(`cannot export ${namespace}/${name}: ${created.error.message}`);
      return 1;
    }
    const service = await client.get({ resource: SERVICES, namespace, name }, { signal });
    if (!service.ok && service.error.kind === "not-found") {
      out.problem(`there is no Service ${namespace}/${name} yet: it is exported once there is`);
    }
    const done = created.ok ? "exported" : "was exported already";
    tell(input, { namespace, name, done });
    return 0;
  },
});

export const unexportVerb = defineVerb({
  summary: "end a Service's export: removes its ServiceExport; the Service stays",
  positionals,
  settings,
  async run(input) {
    const { out, signal } = input;
    const asked = await ask(input);
    if (!asked.ok) {
      out.problem(asked.error);
      return 1;
    }
    const { client, resource, namespace, name } = asked.value;
    const before = await client.get({ resource, namespace, name }, { signal });
    const removed = await client.delete({ resource, namespace, name }, {}, { signal });
    if (!removed.ok && removed.error.kind !== "not-found") {
      out.problem(`cannot unexport ${namespace}/${name}: ${removed.error.message}`);
      return 1;
    }
    if (before.ok && before.value.metadata.labels?.[LABEL_MANAGED_BY] === MANAGED_BY) {
      out.problem(
        `${namespace}/${name} was exported by its labels, and will be again: annotate the Service with ${ANNOTATION_AUTO_EXPORT}=false`,
      );
    }
    const done = removed.ok ? "unexported" : "was not exported";
    tell(input, { namespace, name, done });
    return 0;
  },
});

function tell(
  { out, settings: { output } }: VerbInput<z.output<typeof settings>>,
  result: { readonly namespace: string; readonly name: string; readonly done: string },
): void {
  out.line(render(output, result, () => `${result.namespace}/${result.name} ${result.done}`));
}

async function ask(input: VerbInput<z.output<typeof settings>>): Promise<Result<Asked, string>> {
  const name = parseServiceName(input.positionals[0] ?? "");
  if (!name.ok) return name;
  const kube = connectPatiently(input.settings, input.env, (text) => input.out.problem(text));
  if (!kube.ok) return kube;
  const { client } = kube.value;
  const namespace = input.settings.namespace ?? kube.value.namespace;
  const served = await client.servedVersions(MCS_GROUP, "serviceexports", {
    signal: input.signal,
  });
  if (!served.ok) return err(served.error.message);
  const version = MCS_VERSIONS.find((one) => served.value.includes(one));
  return version === undefined
    ? err(`this cluster serves no serviceexports.${MCS_GROUP}: run "isthmus install member" first`)
    : ok({ client, resource: serviceExports(version), namespace, name: name.value });
}
