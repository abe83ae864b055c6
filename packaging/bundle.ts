import { readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { VERBS } from "../cli/verb-table.ts";
import { NOT_SHIPPED, PROGRAMS } from "./programs.ts";

/** The checkout. */
export const ROOT = fileURLToPath(new URL("..", import.meta.url));
// Dependencies written in CommonJS ask for Node's own modules with `require`. What sources read beside themselves (CRDs,
// roles, the addon) lies where it is in the checkout, seen from the folder above the bundle's.
const BANNER = `import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);
const __source = (path) => new URL("../" + path, import.meta.url).href;`;

/** The verbs of one program, in the order of the table, which is the order they are looked up in. */
function verbsOf(program: string): typeof VERBS {
  const wanted = PROGRAMS[program] ?? [];
  return VERBS.filter(({ path }) => {
    const name = path.join(" ");
    return program === "isthmus" ? !NOT_SHIPPED.includes(name) : wanted.includes(name);
  });
}

/** The table of verbs with those of one program alone: what is not named is not bundled. */
function verbTable(program: string): string {
  const entries = verbsOf(program).map(
    ({ path, summary, load, hidden }) =>
      `{ path: ${JSON.stringify(path)}, summary: ${JSON.stringify(summary)}, load: ${load.toString()}${hidden === true ? ", hidden: true" : ""} }`,
  );
  return `export const VERBS = [${entries.join(",\n")}];`;
}

function sources(program: string): Plugin {
  return {
    name: "isthmus-sources",
    setup(bundler) {
      bundler.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const name = relative(ROOT, path).split(sep).join("/");
        if (name.startsWith("node_modules/")) return undefined;
        if (name === "cli/verb-table.ts") return { contents: verbTable(program), loader: "ts" };
        const text = readFileSync(path, "utf8");
        // The program's own file is the bundle; every other source is where it was, seen from the bundle's folder.
        if (name === "cli/main.ts") return { contents: text, loader: "ts" };
        const contents = text.replaceAll("import.meta.url", `__source(${JSON.stringify(name)})`);
        return { contents, loader: "ts" };
      });
    },
  };
}

/** Writes `<folder>/<program>.mjs` for each program; the files that went into them, from the checkout. */
export async function bundlePrograms(
  folder: string,
  programs: readonly string[] = Object.keys(PROGRAMS),
): Promise<readonly string[]> {
  const inputs = new Set<string>();
  for (const program of programs) {
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: ["cli/main.ts"],
      outfile: join(folder, `${program}.mjs`),
      bundle: true,
      platform: "node",
      target: "node24",
      format: "esm",
      minifySyntax: true,
      minifyWhitespace: true,
      // Names show in errors and logs.
      keepNames: true,
      legalComments: "none",
      banner: { js: BANNER },
      plugins: [sources(program)],
      metafile: true,
      logLevel: "warning",
    });
    for (const input of Object.keys(metafile.inputs)) inputs.add(input);
  }
  return [...inputs];
}
