import { err, type Result } from "../../api/result.ts";

/** The check behind a process's `/readyz`: says what it waits for now, until it is told the check that lasts. */
export class Readiness {
  #check: () => Result<string, string> = () => err("starting");

  waitingFor(reason: string): void {
    this.#check = () => err(reason);
  }

  decidedBy(check: () => Result<string, string>): void {
    this.#check = check;
  }

  check(): Result<string, string> {
    return this.#check();
  }
}
