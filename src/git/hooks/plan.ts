import {
  attributesIn,
  DEFAULT_HOOKS,
  HOOKS,
  type HookFacts,
  type HookName,
  LEFTHOOK_FILES,
} from "./facts.js";
import { extendLefthook, ourLefthook } from "./lefthook.js";

/** Who calls the hooks of this repository. `folder` is a hooks folder that the project has of its own. */
export type HookManager = "husky" | "lefthook" | "folder" | "git";

/** What installing the hooks takes. Nothing of it is needed where all lists are empty. */
export interface HookPlan {
  readonly manager: HookManager;
  /** Paths are from the top of the work tree, with `/`. */
  readonly writes: readonly { readonly path: string; readonly content: string; readonly mode: number }[];
  /** Settings for the repository's own git configuration. */
  readonly config: readonly { readonly key: string; readonly value: string }[];
  /** Programs to run at the top of the work tree, after the writes. */
  readonly run: readonly (readonly [program: string, ...args: string[]])[];
  /** What only a person can do, in sentences for the screen. Until then the hooks do not run. */
  readonly manual: readonly string[];
}

/**
 * Decides how the hooks are installed: with husky where the project has it, with lefthook where it has that,
 * in the hooks folder that the project already has, else by `core.hooksPath`. Whatever hooks there are stay
 * and are called. The same facts after the plan is carried out give an empty plan.
 */
export function planHooks(facts: HookFacts): HookPlan {
  const manager = managerOf(facts);
  const scripts = ourScripts(facts);
  if (manager === "lefthook") return planLefthook(facts, scripts);
  if (manager === "git") return planOwnFolder(facts, scripts);
  return planCalls(facts, manager, scripts);
}

/**
 * Whether git calls our hooks in this clone. They are called, too, where the scripts are to be renewed since the
 * package has others by now.
 */
export function callsHooks(facts: HookFacts): boolean {
  const { manager, writes, config, run, manual } = planHooks(facts);
  const scripts = `${facts.folder}/hooks/`;
  const isCalled = ({ path, mode }: Planned) => {
    // What is beside our scripts says how git treats them, or calls somebody else's.
    if (path.startsWith(scripts) && !facts.scripts.has(path.slice(scripts.length))) return true;
    const runs = (mode & 0o111) === 0 || facts.executable.has(path);
    return path.startsWith(`${facts.folder}/`) && facts.files.has(path) && runs;
  };
  // lefthook is run for scripts that are to be renewed, too.
  const isSetUp =
    run.length === 0 || (manager === "lefthook" && HOOKS.every((name) => facts.present.includes(name)));
  const isAsked = config.every(({ key }) => key !== "core.hooksPath") && manual.length === 0;
  return isAsked && isSetUp && writes.every(isCalled);
}

interface Planned {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
}

function managerOf(facts: HookFacts): HookManager {
  const { hooksFolder, folder, dependencies, files } = facts;
  if (hooksFolder === `${folder}/hooks`) return "git";
  if (hooksFolder !== undefined) return isHusky(hooksFolder) ? "husky" : "folder";
  if (facts.hasHuskyFolder || dependencies.has("husky")) return "husky";
  if (dependencies.has("lefthook") || LEFTHOOK_FILES.some((file) => files.has(file))) return "lefthook";
  return "git";
}

/** husky points git at `_` in its folder, where generated files call the ones that people write. */
function isHusky(hooksFolder: string): boolean {
  return /(?:^|\/)\.husky(?:\/_)?$/.test(hooksFolder);
}

function ourScripts({ folder, scripts }: HookFacts): Planned[] {
  const planned = [...scripts].map(([name, content]) => ({
    path: `${folder}/hooks/${name}`,
    content,
    mode: name.endsWith(".sh") ? 0o644 : 0o755,
  }));
  // A shell does not run what git checks out with the line ends of Windows.
  return [...planned, { path: attributesIn(folder), content: "* text eol=lf\n", mode: 0o644 }];
}

function changed(facts: HookFacts, planned: readonly Planned[]): Planned[] {
  return planned.filter(
    ({ path, content, mode }) =>
      facts.files.get(path) !== content || ((mode & 0o111) !== 0 && !facts.executable.has(path)),
  );
}

/** git looks into one folder only, so that every hook there was before is called from ours. */
function planOwnFolder(facts: HookFacts, scripts: readonly Planned[]): HookPlan {
  const own = `${facts.folder}/hooks`;
  const isOurs = facts.hooksFolder === own;
  const config: { key: string; value: string }[] = [];
  if (!isOurs) config.push({ key: "wovtools.hooksPath", value: facts.hooksPath ?? DEFAULT_HOOKS });
  else if (facts.chained === undefined) config.push({ key: "wovtools.hooksPath", value: DEFAULT_HOOKS });
  if (!isOurs) config.push({ key: "core.hooksPath", value: own });
  const forwards = facts.present
    .filter((name) => !facts.scripts.has(name))
    .map((name) => ({ path: `${own}/${name}`, content: forward(name), mode: 0o755 }));
  const writes = changed(facts, [...scripts, ...forwards]);
  return { manager: "git", writes, config, run: [], manual: [] };
}

function forward(name: string): string {
  return `#!/bin/sh\n# Calls the ${name} hook that the clone has besides wovtools.\n. "$(dirname "$0")/wov-hook.sh"\n`;
}

function planLefthook(facts: HookFacts, scripts: readonly Planned[]): HookPlan {
  const ours = `${facts.folder}/lefthook.yml`;
  const main = LEFTHOOK_FILES.find((file) => facts.files.has(file)) ?? "lefthook.yml";
  const extended = extendLefthook(main, facts.files.get(main) ?? "", ours);
  const manual: string[] = [];
  const planned = [...scripts, { path: ours, content: ourLefthook(`${facts.folder}/hooks`), mode: 0o644 }];
  if (extended === undefined) manual.push(`Add ${ours} to the list "extends" in ${main}.`);
  else planned.push({ path: main, content: extended, mode: 0o644 });
  const writes = changed(facts, planned);
  const stale = writes.length > 0 || HOOKS.some((name) => !facts.present.includes(name));
  const program = facts.programs.get("lefthook");
  if (stale && program === undefined) manual.push("Run: npx lefthook install");
  const run: [string, ...string[]][] = stale && program !== undefined ? [[program, "install"]] : [];
  return { manager: "lefthook", writes, config: [], run, manual };
}

/** Puts a call of ours at the top of each hook: further down, an `exit` or `exec` could come before it. */
function planCalls(facts: HookFacts, manager: "husky" | "folder", scripts: readonly Planned[]): HookPlan {
  const at = manager === "husky" ? huskyFolder(facts) : (facts.hooksFolder ?? "");
  const planned = [...scripts];
  const manual: string[] = [];
  for (const name of HOOKS) {
    const path = `${at}/${name}`;
    const script = `${facts.folder}/hooks/${name}`;
    const content = withCall(facts.files.get(path) ?? "", name, script);
    if (content !== undefined) planned.push({ path, content, mode: 0o755 });
    else
      manual.push(
        `${path} is no shell script. Let it call, with its own input and arguments:\n  sh ${quoted(script)}`,
      );
  }
  const run: [string, ...string[]][] = [];
  if (manager === "husky" && facts.hooksFolder === undefined) {
    const program = facts.programs.get("husky");
    if (program === undefined) manual.push("Run: npx husky");
    else run.push([program]);
  }
  return { manager, writes: changed(facts, planned), config: [], run, manual };
}

function huskyFolder({ hooksFolder }: HookFacts): string {
  return hooksFolder?.replace(/\/_$/, "") ?? ".husky";
}

const NO_TEXT = /[\0\ufffd]/;
const SHELL = /^#!.*\b(?:sh|bash|dash|ash|zsh|ksh)\b/;

/** @returns the hook with the call in it, as it was where it has one, undefined where it is no shell script */
function withCall(existing: string, name: HookName, script: string): string | undefined {
  if (existing.includes(`sh ${quoted(script)}`)) return existing;
  if (NO_TEXT.test(existing)) return undefined;
  const shebang = /^#![^\n]*(?:\n|$)/.exec(existing)?.[0];
  if (shebang !== undefined && !SHELL.test(shebang)) return undefined;
  const head = shebang?.trimEnd() ?? "#!/bin/sh";
  const rest = existing.slice(shebang?.length ?? 0);
  return `${head}\n${name === "pre-push" ? prePushCall(script) : call(script)}${rest}`;
}

function call(script: string): string {
  return `sh ${quoted(script)} "$@" || exit $?\n`;
}

/** What follows in the hook is to find on its standard input what git wrote there. */
function prePushCall(script: string): string {
  return `wov_refs=$(cat)
if [ -n "$wov_refs" ]; then
  printf '%s\\n' "$wov_refs" | sh ${quoted(script)} "$@" || exit $?
  exec <<WOV_REFS
$wov_refs
WOV_REFS
fi
`;
}

function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
