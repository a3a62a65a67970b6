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

const options = {
  absWorkingDir: root,
  outdir: dist,
  bundle: true,
  platform: "node",
  target: "node20",
  external: [...Object.keys(dependencies), ...Object.keys(optionalDependencies), "pg-native"],
  alias: { "string-width": "./scripts/string-width.js" },
  legalComments: "none",
  metafile: true,
};

// What other programs import, and the thread that pg_dump runs in: modules.
const modules = await esbuild.build({
  ...options,
  entryPoints: {
    index: "src/index.ts",
    "chunks/dump-worker": "src/postgres/dump-worker.ts",
  },
  format: "esm",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
  // Libraries that are CommonJS ask for Node's own modules by require, which a module does not have.
  banner: {
    js: 'import { createRequire as newRequire } from "node:module"; const require = newRequire(import.meta.url);',
  },
});

// A script has no import.meta.
const scripts = {
  ...options,
  format: "cjs",
  banner: {
    js: 'const fileUrl = require("node:url").pathToFileURL(__filename).href, { importModule } = module;',
  },
  define: { "import.meta.url": "fileUrl" },
};

// A command runs at every push, and Node needs a millisecond to find and open a file: the programs are one script,
// together with the libraries that are no dependencies of the package. See src/cli/start.ts for how it is loaded.
const program = await esbuild.build({
  ...scripts,
  entryPoints: { "chunks/program": "src/cli/main.ts" },
  outExtension: { ".js": ".cjs" },
  write: false,
});
// What starts them are scripts, too: Node is quicker to load one than its first module.
const starts = await esbuild.build({
  ...scripts,
  entryPoints: ["src/cli/start.ts", ...PROGRAMS.map((name) => `src/cli/${name}.ts`)],
  outbase: "src",
  plugins: [
    { name: "not-in-each", setup: (plan) => plan.onResolve({ filter: /^\.\/start\.js$/ }, notInEach) },
  ],
});
writeFileSync(join(dist, "cli", "package.json"), '{ "type": "commonjs" }\n');
for (const { path, text } of program.outputFiles) writeFileSync(path, asKeptScript(text));
for (const program of PROGRAMS) chmodSync(join(dist, "cli", `${program}.js`), 0o755);
cpSync(build, dist, { recursive: true, filter: (path) => !path.endsWith(".js") });
writeFileSync(
  join(dist, "LICENSES.txt"),
  licensesOf([modules, program, starts].flatMap(({ metafile }) => Object.keys(metafile.inputs))),
);
await writeJsonSchemas(build, dist);

/** What starts every program is a file of its own. */
function notInEach({ path }) {
  return { path, external: true };
}

/**
 * Makes the program ready to be read as what V8 has compiled of it. V8 forgets for such a script who imports what, so
 * it asks whoever loads it. And ASCII is read in half the time: what is left of other characters stands in comments.
 */
function asKeptScript(text) {
  const imports = Object.values(program.metafile.outputs).flatMap((output) => output.imports);
  const asked = new Set(imports.filter(({ kind }) => kind === "dynamic-import").map(({ path }) => path));
  const found = new Set();
  const script = text.replaceAll(/\bimport\("([^"]+)"\)/g, (whole, name) => {
    if (!asked.has(name)) return whole;
    found.add(name);
    return `importModule("${name}")`;
  });
  if (found.size < asked.size)
    throw new Error(`the program imports ${[...asked].join(", ")} in some other way`);
  return script.replaceAll(/[^\0-\x7f]/g, "?");
}

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
