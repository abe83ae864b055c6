import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VERBS } from "../../cli/verb-table.ts";
import { startApiServer, type TestApiServer } from "./api-server.ts";
import { runCommand } from "./kubectl-command.ts";
import { runIsthmus } from "./run-isthmus.ts";

// What the shells themselves make of the printed scripts, and what kubectl makes of the program as its plugin.

const { signal } = new AbortController();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "isthmus-completion-"));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function script(shell: string): Promise<string> {
  const { code, lines } = await runIsthmus(["completion", shell], signal);
  expect(code).toBe(0);
  const file = join(folder, `completion.${shell}`);
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}

/** What each shell offers for words of which the last is being typed, sorted. */
const OFFERS: Readonly<
  Record<string, (file: string, words: readonly string[]) => readonly string[]>
> = {
  bash: (file, words) => [
    "--norc",
    "-c",
    `source ${file}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _isthmus; printf '%s\\n' "\${COMPREPLY[@]}"`,
  ],
  zsh: (file, words) => [
    "-f",
    "-c",
    `compdef() { :; }; compadd() { print -l -- "\${(@P)2}"; }; _arguments() { shift; print -l -- "\${(@)@%%\\[*}"; }; source ${file}; words=(${words.map((word) => `'${word}'`).join(" ")}); CURRENT=${words.length}; _isthmus`,
  ],
  fish: (file, words) => ["--no-config", "-c", `source ${file}; complete -C '${words.join(" ")}'`],
};

async function offered(shell: string, file: string, line: string): Promise<readonly string[]> {
  const words = line.split(" ");
  const { code, out } = await runCommand(shell, OFFERS[shell]?.(file, words) ?? [], {
    HOME: folder,
    XDG_CONFIG_HOME: folder,
    XDG_DATA_HOME: folder,
  });
  expect({ code, out }).toMatchObject({ code: 0 });
  // fish adds descriptions behind a tab.
  const found = out.split("\n").map((text) => text.split("\t")[0] ?? "");
  return found.filter((text) => text !== "").toSorted();
}

describe.each(Object.keys(OFFERS))("%s", (shell) => {
  let file: string;
  beforeAll(async () => {
    file = await script(shell);
  });

  test("completes commands, their second words and their flags", async () => {
    const shown = VERBS.filter(({ hidden }) => hidden !== true);
    const first = [...new Set(shown.map(({ path }) => path[0] ?? ""))].toSorted();
    expect(await offered(shell, file, "isthmus ")).toEqual(first);
    expect(await offered(shell, file, "isthmus token ")).toEqual(["create"]);
    const flags = await offered(shell, file, "isthmus status --");
    expect(flags).toEqual(expect.arrayContaining(["--wait", "--namespace", "--output"]));
    expect(flags).not.toContain("--cidrs");
    expect(await offered(shell, file, "isthmus authority rotate --")).toContain("--data-dir");
    expect(await offered(shell, file, "isthmus export web --")).toContain("--namespace");
  });

  // What zsh's own _arguments makes of values is zsh's affair.
  if (shell === "zsh") return;
  test("completes values that are a choice", async () => {
    const values = await offered(shell, file, "isthmus status --output ");
    expect(values).toEqual(expect.arrayContaining(["json", "table", "yaml"]));
  });
});

test("a shell that is not known is named", async () => {
  const { code, problems } = await runIsthmus(["completion", "tcsh"], signal);
  expect(code).toBe(2);
  expect(problems.join()).toContain('bash, zsh, fish: got "tcsh"');
});

describe("kubectl isthmus", () => {
  let server: TestApiServer;
  beforeAll(async () => {
    server = await startApiServer();
    const program = fileURLToPath(new URL("../../cli/isthmus.mjs", import.meta.url));
    symlinkSync(program, join(folder, "kubectl-isthmus"));
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const kubectl = (...args: readonly string[]) =>
    runCommand("kubectl", ["isthmus", ...args], {
      PATH: `${folder}:${process.env["PATH"] ?? ""}`,
      HOME: folder,
    });

  test("takes kubectl's flags, before the command and behind it", async () => {
    const { kubeconfig } = server;
    const from = ["--kubeconfig", kubeconfig, "--context", "one"];
    const installed = await kubectl("crds", "--apply", ...from);
    expect(installed).toMatchObject({ code: 0, out: expect.stringContaining("serviceexports") });
    const outcomes = await Promise.all([
      kubectl("export", "web", "-n", "default", ...from),
      kubectl(...from, "-n", "default", "explain", "api", "-o", "json"),
      kubectl("status", "--context", "two", "--kubeconfig", kubeconfig),
    ]);
    expect(outcomes[0]).toMatchObject({
      code: 0,
      out: expect.stringContaining("default/web exported"),
    });
    const explained = JSON.parse(outcomes[1]?.out ?? "");
    expect([outcomes[1]?.code, explained.service]).toEqual([1, "default/api"]);
    expect(outcomes[2]).toMatchObject({
      code: 1,
      out: expect.stringContaining('no context "two"'),
    });
  });
});
