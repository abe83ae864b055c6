import { type ChildProcess, fork } from "node:child_process";
import type { MembersAnswer, MembersCommand } from "./process-messages.ts";

interface Reply {
  readonly id: number;
  readonly answer?: MembersAnswer;
}

/** A process of members, which is asked several things at a time. */
export class MemberProcess {
  readonly #child: ChildProcess;
  readonly #open = new Map<
    number,
    {
      readonly resolve: (answer: MembersAnswer | undefined) => void;
      readonly reject: (error: Error) => void;
    }
  >();
  #lastId = 0;

  constructor() {
    this.#child = fork(new URL("./members.ts", import.meta.url));
    this.#child.on("message", ({ id, answer }: Reply) => {
      this.#open.get(id)?.resolve(answer);
      this.#open.delete(id);
    });
    this.#child.on("exit", (code) => {
      for (const { reject } of this.#open.values()) reject(new Error(`members ended with ${code}`));
    });
  }

  /** Undefined: it has nothing to do with it. */
  ask(command: MembersCommand): Promise<MembersAnswer | undefined> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      this.#child.send({ id, command });
    });
  }

  end(): void {
    this.#child.kill();
  }
}
