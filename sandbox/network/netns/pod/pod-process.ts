import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { err, ok, type Result } from "../../../../api/result.ts";
import type { Clock } from "../../../../runtime/clock/clock.ts";
import { deadline } from "../../../../runtime/clock/deadline.ts";
import type { PodTask } from "../../../node/pod-server/pod-runtime.ts";
import { within } from "../run-commands.ts";
import type { PodAnswer, PodNews, PodOrder, PodQuestion } from "./pod-message.ts";

const PROGRAM = fileURLToPath(new URL("./pod-program.ts", import.meta.url));
const START_MS = 30_000;
const ANSWER_MS = 60_000;

/** A pod's process in its namespace, seen from here. */
export class PodProcess {
  readonly namespace: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #clock: Clock;
  /** BOUNDED: by the questions under way. */
  readonly #waiting = new Map<number, (answer: PodAnswer) => void>();
  #nextId = 1;

  constructor(namespace: string, clock: Clock) {
    this.namespace = namespace;
    this.#clock = clock;
    const [program = "", ...args] = within(namespace, [process.execPath, PROGRAM]);
    this.#child = spawn(program, args, {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      detached: true,
    });
    this.#exited = new Promise((resolve) => {
      const gone = (why: string): void => {
        for (const answer of this.#waiting.values()) answer({ kind: "failed", why });
        this.#waiting.clear();
        resolve();
      };
      this.#child.once("error", (error) => gone(error.message));
      this.#child.once("exit", () => gone("the pod has ended"));
    });
    this.#child.on("message", (news: PodNews) => {
      if (news.kind !== "answer") return;
      this.#waiting.get(news.id)?.(news.answer);
      this.#waiting.delete(news.id);
    });
  }

  /** Starts its servers. */
  async serve(task: PodTask): Promise<Result<void, string>> {
    using limit = deadline(this.#clock, START_MS);
    return await new Promise<Result<void, string>>((resolve) => {
      const onNews = (news: PodNews): void => {
        if (news.kind === "serving") resolve(ok(undefined));
        else if (news.kind === "not-serving") resolve(err(news.why));
      };
      this.#child.on("message", onNews);
      this.#tell({ kind: "serve", task });
      const failed = `the pod's process in ${this.namespace} does not answer`;
      limit.signal.addEventListener("abort", () => resolve(err(failed)), { once: true });
      void this.#exited.then(() => resolve(err("the pod's process has ended")));
    });
  }

  /** Has the client inside ask. Failures are answers. */
  async ask(question: PodQuestion): Promise<PodAnswer> {
    const id = this.#nextId++;
    using limit = deadline(this.#clock, ANSWER_MS);
    return await new Promise<PodAnswer>((resolve) => {
      const silent = { kind: "failed", why: `no answer from the pod in ${ANSWER_MS} ms` } as const;
      limit.signal.addEventListener("abort", () => resolve(silent), { once: true });
      if (!this.#child.connected) resolve({ kind: "failed", why: "the pod has ended" });
      this.#waiting.set(id, resolve);
      this.#tell({ kind: "ask", id, question });
    });
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  #tell(order: PodOrder): void {
    if (this.#child.connected) this.#child.send(order, () => undefined);
  }
}
