import { readdir, readFile, stat } from "node:fs/promises";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { ConfigError } from "../../errors.js";
import { exists, readBytes } from "../../files.js";
import { packageFolder } from "../../package.js";
import { git, gitAnswer } from "../git.js";
import type { Repository } from "../repository.js";

/** The hooks that wovtools has something to say in. */
export const HOOKS = ["pre-push", "pre-commit", "post-merge", "post-checkout"] as const;
export type HookName = (typeof HOOKS)[number];

/** The names under which lefthook looks for its configuration. */
export const LEFTHOOK_FILES = ["lefthook", ".lefthook", ".config/lefthook"].flatMap((name) =>
  ["yml", "yaml", "toml", "json"].map((ending) => `${name}.${ending}`),
);

/** What `wovtools.hooksPath` says for the folder in which git looks by itself, wherever it lies. */
export const DEFAULT_HOOKS = ".git/hooks";

/** The file that says how git is to treat our hooks. @param folder the project's `wovtools` folder */
export function attributesIn(folder: string): string {
  return `${folder}/hooks/.gitattributes`;
}

/** Everything that decides how the hooks are installed. Paths are from the top of the work tree, with `/`. */
export interface HookFacts {
  /** The project's `wovtools` folder. */
  readonly folder: string;
  /** The hooks as this package ships them: file name to content. */
  readonly scripts: ReadonlyMap<string, string>;
  /** The files that a plan may have to change, as far as they exist. */
  readonly files: ReadonlyMap<string, string>;
  /** `core.hooksPath` as git has it, from whichever configuration. */
  readonly hooksPath: string | undefined;
  /** The same where it lies in the work tree, from its top; undefined where it does not. */
  readonly hooksFolder: string | undefined;
  /** Those of `files` that are executable. */
  readonly executable: ReadonlySet<string>;
  /** The executable hooks in the folder that git looks into, or looked into before it was ours. */
  readonly present: readonly string[];
  /** The path that `wovtools.hooksPath` names. */
  readonly chained: string | undefined;
  readonly hasHuskyFolder: boolean;
  /** Names from `dependencies` and `devDependencies` of the project and of the repository. */
  readonly dependencies: ReadonlySet<string>;
  /** `node_modules/.bin/NAME` for husky and lefthook, where installed. */
  readonly programs: ReadonlyMap<string, string>;
}

/**
 * Reads what decides how hooks are installed. Changes nothing.
 *
 * @param folder the project's `wovtools` folder, absolute, in the work tree; it need not exist yet
 */
export async function readHookFacts(repository: Repository, folder: string): Promise<HookFacts> {
  const { root } = repository;
  const inside = fromRoot(root, folder);
  if (inside === undefined || inside === "") {
    throw new ConfigError("HOOKS_OUTSIDE", "The wovtools folder does not lie in the repository.", {
      where: folder,
    });
  }
  const hooksPath = await gitAnswer(root, ["config", "--type=path", "--get", "core.hooksPath"]);
  const current = await gitPath(root, "--git-path", "hooks");
  const hooksFolder = hooksPath === undefined ? undefined : fromRoot(root, current);
  const chained = await gitAnswer(root, ["config", "--type=path", "--get", "wovtools.hooksPath"]);
  const isOurs = hooksFolder === `${inside}/hooks`;
  const before = isOurs ? await chainedFolder(root, chained) : current;
  const present = await executables(before);
  const project = inside.split("/").slice(0, -1).join("/");
  const homes = [...new Set([project, ""])];
  const scripts = await shippedScripts();
  const { files, executable } = await readAll(root, [
    ...LEFTHOOK_FILES,
    `${inside}/lefthook.yml`,
    attributesIn(inside),
    ...[...scripts.keys(), ...present].map((name) => `${inside}/hooks/${name}`),
    ...callFolders(hooksFolder).flatMap((at) => HOOKS.map((name) => `${at}/${name}`)),
  ]);
  return {
    folder: inside,
    scripts,
    files,
    executable,
    hooksPath,
    hooksFolder,
    present,
    chained,
    hasHuskyFolder: await exists(join(root, ".husky")),
    dependencies: await dependencies(root, homes),
    programs: await programs(root, homes),
  };
}

/** The folders in which a hook may get a call of ours. husky keeps what people write one up from `_`. */
function callFolders(hooksFolder: string | undefined): string[] {
  return hooksFolder === undefined ? [".husky"] : [hooksFolder, hooksFolder.replace(/\/_$/, "")];
}

async function gitPath(root: string, ...question: string[]): Promise<string> {
  return resolve(root, (await git(root, ["rev-parse", ...question])).replace(/\n$/, ""));
}

async function chainedFolder(root: string, chained: string | undefined): Promise<string> {
  if (chained !== undefined && chained !== DEFAULT_HOOKS) return resolve(root, chained);
  return join(await gitPath(root, "--git-common-dir"), "hooks");
}

function fromRoot(root: string, path: string): string | undefined {
  const way = relative(root, path);
  if (isAbsolute(way) || way === ".." || way.startsWith(`..${sep}`)) return undefined;
  const inside = way.split(sep).join("/");
  return inside === ".git" || inside.startsWith(".git/") ? undefined : inside;
}

async function shippedScripts(): Promise<Map<string, string>> {
  const folder = join(packageFolder(), "hooks");
  const scripts = new Map<string, string>();
  for (const name of (await readdir(folder)).toSorted()) {
    scripts.set(name, await readFile(join(folder, name), "utf8"));
  }
  return scripts;
}

async function readAll(root: string, paths: readonly string[]) {
  const files = new Map<string, string>();
  const executable = new Set<string>();
  for (const path of new Set(paths)) {
    const content = await readIfThere(join(root, path));
    if (content === undefined) continue;
    files.set(path, content);
    if (await isExecutable(join(root, path))) executable.add(path);
  }
  return { files, executable };
}

async function isExecutable(path: string): Promise<boolean> {
  return ((await stat(path)).mode & 0o111) !== 0;
}

/** A hook may be anything that runs: one that is no text is told by what replaces its bytes. */
async function readIfThere(path: string): Promise<string | undefined> {
  return (await readBytes(path, ConfigError))?.toString();
}

/** git runs a hook only when it is executable; the samples it puts there are none. */
async function executables(folder: string): Promise<string[]> {
  if (!(await exists(folder))) return [];
  const names: string[] = [];
  for (const name of await readdir(folder)) {
    if (/^[a-z][a-z0-9-]*$/.test(name) && (await isExecutable(join(folder, name)))) names.push(name);
  }
  return names.toSorted();
}

async function dependencies(root: string, homes: readonly string[]): Promise<Set<string>> {
  const names = new Set<string>();
  for (const home of homes) {
    const path = join(root, home, "package.json");
    const text = await readIfThere(path);
    if (text === undefined) continue;
    for (const name of dependencyNames(path, text)) names.add(name);
  }
  return names;
}

function dependencyNames(path: string, text: string): string[] {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("PACKAGE_JSON", "The file package.json is not JSON.", { where: path, cause });
  }
  if (typeof found !== "object" || found === null) return [];
  const lists = [
    "dependencies" in found ? found.dependencies : undefined,
    "devDependencies" in found ? found.devDependencies : undefined,
  ];
  return lists.flatMap((list) => (typeof list === "object" && list !== null ? Object.keys(list) : []));
}

async function programs(root: string, homes: readonly string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of ["husky", "lefthook"]) {
    for (const home of homes) {
      const path = join(root, home, "node_modules", ".bin", name);
      if (!found.has(name) && (await exists(path))) found.set(name, path);
    }
  }
  return found;
}
