import { expect, test } from "vitest";
import { err, ok } from "../../api/result.ts";
import type { KubeClient, ListQuery } from "../../runtime/kube/kube-client.ts";
import type { PodLogQuery, PodLogs } from "../../runtime/kube/pod-logs.ts";
import { collectLogs } from "./collect-logs.ts";

const { signal } = new AbortController();

function world(pods: readonly object[], more?: string) {
  const asked: PodLogQuery[] = [];
  const queries: ListQuery[] = [];
  const client = {
    list: (_: unknown, query: ListQuery) => {
      queries.push(query);
      const token = more === undefined ? {} : { continueToken: more };
      return Promise.resolve(ok({ items: pods, resourceVersion: "1", ...token }));
    },
  } as unknown as KubeClient;
  const logs: PodLogs = (query) => {
    asked.push(query);
    return Promise.resolve(
      query.pod === "gone"
        ? err({ kind: "not-found", message: "no such pod" })
        : ok(`joined with isthmus-join.east.PLANTED.pin.hub:8443\nlast line of ${query.pod}\n`),
    );
  };
  return { asked, queries, files: () => collectLogs("ours", { client, logs, signal }) };
}

const pod = (name: string, restartCount = 0) => ({
  metadata: { name },
  spec: { containers: [{ name: "isthmus" }] },
  status: { containerStatuses: [{ name: "isthmus", restartCount }] },
});

test("of our pods in our namespace alone, within bounds, redacted; of the life before where there was one", async () => {
  const { asked, queries, files } = world([pod("dns-1"), pod("ctl-1", 3), pod("gone")]);
  const found = await files();
  expect(found.map(({ name }) => name)).toEqual([
    "logs/1-dns-1.log",
    "logs/2-ctl-1.log",
    "logs/3-ctl-1.previous.log",
    "logs/4-gone.missing.txt",
  ]);
  expect(queries).toEqual([
    { namespace: "ours", labelSelector: "app.kubernetes.io/part-of=isthmus", limit: 50 },
  ]);
  for (const query of asked) expect(query).toMatchObject({ namespace: "ours", tailLines: 5_000 });
  const all = found.map(({ text }) => text).join("");
  expect(all).toContain("last line of ctl-1");
  expect(all).toContain("no such pod");
  expect(all).not.toContain("PLANTED");
});

test("that there are more pods is said", async () => {
  const [first] = await world([], "next").files();
  expect(first).toEqual({
    name: "logs/pods.cut.txt",
    text: "more than 50 pods: the rest is left out\n",
  });
});
