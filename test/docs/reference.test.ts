/** docs/reference.md says what the program says: every option, error code, setting, JSON Schema and function, and no other. */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Program } from "#src/cli/main.js";
import * as library from "#src/index.js";
import { runKept } from "../support/kept-process.js";
import { PACKAGE } from "../support/project.js";

const read = (...path: string[]) => readFile(join(PACKAGE, ...path), "utf8");
const reference = await read("docs", "reference.md");

/** The text under a heading, up to the next one of its level or above. */
function section(heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const [, ...after] = `\n${reference}`.split(`\n${heading}\n`);
  assert.is(after.length, 1, `one heading "${heading}"`);
  return (after[0] ?? "").split(new RegExp(`^#{1,${level}} `, "m"))[0] ?? "";
}

/** The words in back quotes in the first cell of each row of the tables in a text. */
function firstCells(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`.*?) +\|/gm)].map(([, cell = ""]) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word));
}

const sorted = (words: Iterable<string>) => [...new Set(words)].sort();

/** The sources that the command line or the library reaches by their imports: what nobody can call raises no error. */
async function reachableSources(): Promise<Map<string, string>> {
  const programs = ["wov", "wov-push-db", "wov-db", "wov-deploy", "wo"].map((name) => `cli/${name}.ts`);
  const sources = new Map<string, string>();
  const open = ["index.ts", ...programs].map((name) => join(PACKAGE, "src", name));
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (sources.has(file)) continue;
    const source = await readFile(file, "utf8");
    sources.set(file, source);
    for (const [, path = ""] of source.matchAll(/(?:from|import|URL)\s*\(?\s*"(\.[^"]+)\.js"/g))
      open.push(join(dirname(file), `${path}.ts`));
  }
  return sources;
}

const commands = suite("docs/reference.md: commands");

/** The options of one group of a command's help, e.g. `--file` and `-f`. */
async function optionsInHelp(group: string, ...command: string[]): Promise<string[]> {
  return optionsOf("wov", group, ...command);
}

async function helpOf(program: Program, ...command: string[]): Promise<string> {
  const ended = await runKept({ program, args: [...command, "--help"], cwd: PACKAGE, env: process.env });
  assert.is(ended.status, 0, ended.output);
  return ended.stdout;
}

async function optionsOf(program: Program, group: string, ...command: string[]): Promise<string[]> {
  const stdout = await helpOf(program, ...command);
  const [, text = ""] = stdout.split(`\n${group}:\n`);
  const [lines = ""] = text.split("\n\n");
  const names = [...lines.matchAll(/^ {2,}((?:-{1,2}[\w-]+(?:, )?)+)/gm)].map(([, found = ""]) => found);
  return names.flatMap((found) => found.split(", "));
}

/** What the seed's spelling adds, which the command line spells out before it is read. */
const SPELLED_OUT = ["-pc", "-lwdb"];

for (const command of ["init", "status", "push-db", "db", "hash", "diff", "deltas", "deploy", "hook"]) {
  commands(`the options of wov ${command} are those of its help`, async () => {
    const told = firstCells(section(`### wov ${command}`)).filter((word) => !SPELLED_OUT.includes(word));
    assert.equal(sorted(told), sorted(await optionsInHelp("Options", command)));
  });
}

for (const command of ["init", "plan", "migrate", "drop"]) {
  commands(`the options of wo ${command} are those of its help`, async () => {
    const told = firstCells(section(`### wo ${command}`));
    assert.equal(sorted(told), sorted(await optionsOf("wo", "Options", command)));
  });
}

commands("the options of wo import are those of its help", async () => {
  const told = firstCells(section("### wo import").split("Where what goes:")[0] ?? "");
  const names = told.map((option) => option.replace(/ .*/, ""));
  assert.equal(sorted(names), sorted(await optionsOf("wo", "Options", "import")));
});

commands("the options of every command are those of the help", async () => {
  const told = sorted(firstCells(section("### Every command")));
  assert.ok(told.includes("--json"));
  assert.equal(told, sorted(await optionsInHelp("Everywhere", "status")));
});

commands("every command of the help has a section", async () => {
  const stdout = await helpOf("wov");
  const named = [...stdout.matchAll(/^ {2}wov ([\w-]+)/gm)].map(([, name = ""]) => name);
  assert.ok(named.length > 5);
  const headings = [...reference.matchAll(/^### wov ([\w-]+)$/gm)].map(([, name = ""]) => name);
  assert.equal(sorted(headings), sorted(named));
});

commands.run();

const codes = suite("docs/reference.md: error codes");

const STATUS_OF_CLASS: Readonly<Record<string, string>> = {
  BlockedError: "1",
  ConfigError: "2",
  DatabaseError: "3",
  ArchiveError: "4",
  StoppedError: "5",
};

/** The codes in the source, each with the exit statuses that its places give it; none where the class is a parameter. */
async function codesInSource(): Promise<Map<string, Set<string>>> {
  const found = new Map<string, Set<string>>();
  const add = (code: string, raisedBy: string) => {
    const status = STATUS_OF_CLASS[raisedBy];
    const statuses = found.get(code) ?? new Set<string>();
    found.set(code, status === undefined ? statuses : statuses.add(status));
  };
  for (const source of (await reachableSources()).values()) {
    for (const [, by = "", code = ""] of source.matchAll(
      /\b(\w*Error|failure|fail|damaged)\(\s*"([A-Z][A-Z0-9_]+)"/g,
    ))
      add(code, by);
    // parseJson puts its own endings to the beginning that it is given.
    for (const [, what, by = ""] of source.matchAll(/parseJson\([^)]*"([A-Z]+)", (\w+)/g)) {
      add(`${what}_JSON`, by);
      add(`${what}_INVALID`, by);
    }
    for (const [, code = ""] of source.matchAll(/^ {2}\| "(DELTAS_[A-Z0-9_]+)"/gm)) add(code, "BlockedError");
    for (const [, by = "", code = ""] of source.matchAll(
      /extends (\w*Error) \{[\s\S]*?\bsuper\("([A-Z_]+)"/g,
    ))
      add(code, by);
    if (source.includes(': "BUG"')) add("BUG", "ConfigError");
  }
  return found;
}

function codesInReference(): Map<string, string[]> {
  const rows = section("## Error codes").matchAll(/^\| `([A-Z0-9_]+)` +\| ([^|]+?) +\| [^|]+ \|$/gm);
  return new Map([...rows].map(([, code = "", statuses = ""]) => [code, statuses.split(" or ")]));
}

codes("are all there, and no others, in alphabetical order", async () => {
  const told = [...codesInReference().keys()];
  const used = await codesInSource();
  assert.ok(used.size > 100, "the source's codes are found");
  assert.equal(sorted(told), sorted(used.keys()));
  assert.equal(told, told.toSorted());
});

codes("have the exit status of the class that raises them", async () => {
  const told = codesInReference();
  for (const [code, statuses] of await codesInSource()) {
    for (const status of statuses) assert.ok(told.get(code)?.includes(status), `${code} ends with ${status}`);
  }
});

codes.run();

const lists = suite("docs/reference.md: settings, JSON Schemas, functions");

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
}

/** Every key of a file by its path; NAME stands for names that the user chooses. */
function keysOf({ properties = {}, additionalProperties }: JsonSchema): string[] {
  const named = Object.entries(properties).flatMap(([key, inner]) => {
    const below = keysOf(inner).map((path) => `${key}.${path}`);
    const isGroup = inner.properties !== undefined && !below.some((path) => path.includes("NAME"));
    return isGroup ? below : [key, ...below];
  });
  const free =
    typeof additionalProperties === "object"
      ? keysOf(additionalProperties).map((path) => `NAME.${path}`)
      : [];
  return [...named, ...free];
}

lists("the keys of config.json are those of its JSON Schema", async () => {
  const schema: JsonSchema = JSON.parse(await read("dist/json-schemas/config.json"));
  // What a database has under `schema` is said once, for all databases.
  const keys = keysOf(schema).map((key) => key.replace(/^(databases\.NAME\.schema)\..*/, "$1"));
  const told = [...section("## wovtools/config.json").matchAll(/^\| `([^`]+)` +\|/gm)].map(
    ([, key = ""]) => key,
  );
  assert.equal(sorted(told), sorted(keys));
});

lists("the keys of the secrets are those of their JSON Schema", async () => {
  const schema: JsonSchema = JSON.parse(await read("dist/json-schemas/secrets.json"));
  const told = firstCells(section("## Secrets").split("The inner ones")[1] ?? "");
  assert.equal(sorted(told), sorted(keysOf(schema).map((key) => key.replace("NAME.", ""))));
});

lists("the JSON Schemas of results are those of the package", async () => {
  const files = await readdir(join(PACKAGE, "dist/json-schemas/results"));
  assert.equal(
    sorted(firstCells(section("## JSON"))),
    sorted(files.map((file) => file.replace(".json", ""))),
  );
});

lists("the library's exports are named", () => {
  const text = section("## Library");
  const told = firstCells(text).map((signature) => signature.replace(/\(.*/, ""));
  const functions = Object.entries(library).filter(
    ([, value]) => typeof value === "function" && !/^class\b/.test(String(value)),
  );
  assert.equal(sorted(told), sorted(functions.map(([name]) => name)));
  for (const name of Object.keys(library)) assert.match(text, `\`${name}`);
});

lists.run();
