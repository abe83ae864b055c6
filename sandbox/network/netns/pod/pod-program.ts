import type { Result } from "../../../../api/result.ts";
import { systemClock } from "../../../../runtime/clock/system-clock.ts";
import type { PodTask } from "../../../node/pod-server/pod-runtime.ts";
import { TcpPort } from "../../../node/pod-server/tcp-port.ts";
import { UdpPort } from "../../../node/pod-server/udp-port.ts";
import { LoadClient } from "./load/load-client.ts";
import { askHttp, askTcp, askUdp, whyOf } from "./pod-client.ts";
import type { PodAnswer, PodNews, PodOrder, PodQuestion } from "./pod-message.ts";

/** The one process of a pod in a namespace of its own: its servers, and a client that does what it is told. */

const load = new LoadClient(systemClock);

process.on("message", (order: PodOrder) => {
  if (order.kind === "serve") {
    void serve(order.task).then((served) =>
      tell(served.ok ? { kind: "serving" } : { kind: "not-serving", why: served.error }),
    );
    return;
  }
  const { id, question } = order;
  void answer(question)
    .catch((cause: unknown): PodAnswer => ({ kind: "failed", why: whyOf(cause) }))
    .then((given) => tell({ kind: "answer", id, answer: given }));
});
// Whoever started us has gone.
process.on("disconnect", () => process.exit(0));

async function serve({ identity, ips, ports }: PodTask): Promise<Result<void, string>> {
  for (const ip of ips) {
    for (const { protocol, port } of ports) {
      const server =
        protocol === "TCP"
          ? new TcpPort(identity, port, {
              clock: systemClock,
              clientIpOf: ({ remoteAddress }) => remoteAddress,
            })
          : new UdpPort(identity);
      const started = await server.start({ host: ip, port });
      if (!started.ok) return started;
    }
  }
  return { ok: true, value: undefined };
}

async function answer(question: PodQuestion): Promise<PodAnswer> {
  switch (question.kind) {
    case "http":
      return askHttp(question);
    case "tcp":
      return askTcp(question);
    case "udp":
      return askUdp(question);
    case "load":
      await load.start(question.options);
      return { kind: "done" };
    case "end-load":
      return { kind: "load", report: await load.end() };
  }
}

function tell(news: PodNews): void {
  process.send?.(news);
}
