// Makes build/ (src/ compiled file by file, which the tests import) and dist/ (what is published), both from nothing,
// so that a file taken out of src/ is gone from them too.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { writeJsonSchemas } from "./json-schemas.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const build = join(root, "build");
const dist = join(root, "dist");
const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const typescript = dirname(createRequire(import.meta.url).resolve("typescript/package.json"));
const PROGRAMS = ["wov", "wov-push-db", "wov-db", "wov-deploy", "wo"];

for (const folder of [build, dist]) rmSync(folder, { recursive: true, force: true });
execFileSync(process.execPath, [join(typescript, "bin", "tsc"), "-p", root], { stdio: "inherit" });

// A command runs at every push, and Node needs a millisecond to find and open a file: the published code lies in few
// files, together with the libraries that are no dependencies of the package. What is imported where it is needed
// stays in a file of its own.
const { metafile } = await esbuild.build({
  absWorkingDir: root,
  entryPoints: {
    index: "src/index.ts",
    "chunks/dump-worker": "src/postgres/dump-worker.ts",
    ...Object.fromEntries(PROGRAMS.map((program) => [`cli/${program}`, `src/cli/${program}.ts`])),
  },
  outdir: dist,
  bundle: true,
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  format: "esm",
  platform: "node",
  target: "node20",
  external: [...Object.keys(dependencies), ...Object.keys(optionalDependencies), "pg-native"],
  alias: { "string-width": "./scripts/string-width.js" },
  // Libraries that are CommonJS ask for Node's own modules by require, which a module does not have.
  banner: {
    js: 'import { createRequire as newRequire } from "node:module"; const require = newRequire(import.meta.url);',
  },
  legalComments: "none",
  metafile: true,
});
for (const program of PROGRAMS) chmodSync(join(dist, "cli", `${program}.js`), 0o755);
cpSync(build, dist, { recursive: true, filter: (path) => !path.endsWith(".js") });
writeFileSync(join(dist, "LICENSES.txt"), licensesOf(Object.keys(metafile.inputs)));
await writeJsonSchemas(build, dist);

/** The licenses of the libraries of which there are files in dist/. */
function licensesOf(files) {
  const folders = files.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? null);
  const libraries = [...new Set(folders)].filter((folder) => folder !== null).sort();
  return libraries
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
      const text = readdirSync(join(root, folder)).find((file) => /^licen[cs]e/i.test(file));
      const terms = text === undefined ? license : readFileSync(join(root, folder, text), "utf8").trim();
      return `${name} ${version}\n\n${terms}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
}
