/**
 * Starts the program. The build puts all of it into one file, and what V8 has compiled of that is kept for the next
 * time: to compile it takes longer than most commands work, and git's hooks run at every push. (From Node 22 on,
 * `module.enableCompileCache` does the same; Node 20 has no such thing.)
 */
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { cachedDataVersionTag, setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { cacheFolder, isLackOfPlace } from "../cache.js";
import { hasCode, isMissing, sha256 } from "../files.js";
import type { Program } from "./main.js";

type Main = typeof import("./main.js").main;

interface LoadedProgram {
  readonly main: Main;
  /** Keeps what has been compiled until now, unless that was done. */
  keep(): void;
}

let loaded: LoadedProgram | undefined;

/** Runs the program with the arguments of the process, and sets its exit status. */
export async function start(program: Program): Promise<void> {
  const argv = process.argv.slice(2);
  loaded ??= load(commandOf(program, argv));
  const status = await loaded.main(argv, program);
  process.exitCode = status;
  // What was refused has come to little of what the command takes.
  if (status <= 1) loaded.keep();
}

/**
 * V8 compiles what is called, and so what was kept of another command lacks most of this one's code, which takes a
 * tenth of a second to compile. `wov` and `wo` have a verb for each command, the other programs have one.
 */
function commandOf(program: Program, argv: readonly string[]): string {
  const isAbout = (word: string) => word === "--help" || word === "-h" || word === "--version";
  const verb = program === "wov" || program === "wo" ? argv.find((word) => /^[a-z]/.test(word)) : undefined;
  return `${program} ${argv.find(isAbout) ?? verb ?? ""}`;
}

/** The build puts it there; it is ASCII throughout. */
const PROGRAM = fileURLToPath(new URL("../chunks/program.cjs", import.meta.url));

/** @param command what is kept is of this one */
function load(command: string): LoadedProgram {
  const source = readFileSync(PROGRAM);
  // V8 itself looks at no more of the source than how long it is.
  const tag = cachedDataVersionTag();
  const name = `${PREFIX}${tag}-${sha256(source).slice(0, 16)}-${sha256(command).slice(0, 8)}`;
  const folder = cacheFolder();
  const kept = folder === null ? null : join(folder, name);
  const cachedData = kept === null ? null : ownFile(kept);
  const script = new Script(Module.wrap(source.toString("latin1")), {
    filename: PROGRAM,
    ...(cachedData !== null && { cachedData }),
  });
  const module: { exports: { main?: Main }; importModule(name: string): Promise<unknown> } = {
    exports: {},
    importModule: (name) => import(name),
  };
  script.runInThisContext()(module.exports, createRequire(PROGRAM), module, PROGRAM);
  const { main } = module.exports;
  if (main === undefined) throw new TypeError(`${PROGRAM} is not the program.`);
  let isKept = cachedData !== null && script.cachedDataRejected !== true;
  const keep = () => {
    if (isKept || kept === null) return;
    for (const flag of BY_DEFAULT) setFlagsFromString(flag);
    // Where the flags are others all the same, another run keeps it.
    if (cachedDataVersionTag() !== tag) return;
    keepFile(kept, script.createCachedData());
    isKept = true;
  };
  return { main, keep };
}

/** What is told to V8 for pg_dump and the SQL parser, taken back: V8 refuses what it has compiled under other flags. */
const BY_DEFAULT = [
  "--no-liftoff-only",
  "--wasm-lazy-compilation",
  "--wasm-tier-up",
  "--wasm-dynamic-tiering",
];

const PREFIX = "compiled-";
const KEPT_FOR_DAYS = 30;

/** Who runs this; null where the system has no such thing. */
const USER = process.getuid?.() ?? null;

/** @returns null where there is no such file, or one that another user could have written: it will be run */
function ownFile(path: string): Buffer | null {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    if (isLackOfPlace(error)) return null;
    throw error;
  }
  try {
    const { uid, mode } = fstatSync(file);
    return USER === null || (uid === USER && (mode & 0o022) === 0) ? readFileSync(file) : null;
  } finally {
    closeSync(file);
  }
}

/** Nobody sees a file that is not whole: it gets its name when all of it is on the disk. */
function keepFile(path: string, content: Uint8Array): void {
  try {
    if (!isOurs(dirname(path))) return;
    for (const folder of [dirname(dirname(path)), dirname(path)]) makeFolder(folder);
    const partial = `${path}.${process.pid}-${Date.now()}`;
    const file = openSync(partial, "wx", 0o600);
    try {
      writeFileSync(file, content);
      fsyncSync(file);
      renameSync(partial, path);
    } finally {
      closeSync(file);
      rmSync(partial, { force: true });
    }
    clearOld(dirname(path));
  } catch (error) {
    if (!isLackOfPlace(error)) throw error;
  }
}

/** A home that is not there is not made either. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  }
}

/** Whether a folder is this user's, or where it is missing the nearest one above it: root may have another's home. */
function isOurs(folder: string): boolean {
  try {
    return USER === null || statSync(folder).uid === USER;
  } catch (error) {
    if (!isMissing(error) || dirname(folder) === folder) throw error;
    return isOurs(dirname(folder));
  }
}

/** Those of other versions of the program and of Node that nobody has made for a while. */
function clearOld(folder: string): void {
  const oldest = Date.now() - KEPT_FOR_DAYS * 24 * 3600 * 1000;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name.startsWith(PREFIX) && statSync(path).mtimeMs < oldest) rmSync(path, { force: true });
  }
}
