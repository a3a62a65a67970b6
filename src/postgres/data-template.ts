/**
 * The data of a new server as initdb makes them, kept in the user's cache: to copy them takes a twentieth of initdb's
 * time where they go into memory, a third where they go onto a disk.
 */
import { mkdirSync, readdirSync } from "node:fs";
import {
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { join, relative } from "node:path";
import { cacheFolder, isLackOfPlace } from "../cache.js";
import { hasCode, isMissing, moveIntoPlace, sha256, syncFolder } from "../files.js";
import { INITDB_ARGUMENTS, initialiseData, type Superuser } from "./initdb.js";
import { clearLeftServers, THROW_AWAY_PREFIX, takeOwnership } from "./left-servers.js";
import { unlessGone } from "./postmaster.js";
import { handOver, type RunAs, type ServerPrograms } from "./server-programs.js";

const PASSWORD_FILE = "password";
const DATA_FOLDER = "data";
const TEMPLATE_PREFIX = "data-";

/** Templates of programs that nobody has any more are not kept for ever. */
const KEPT_FOR_DAYS = 30;

/**
 * Makes a data directory, from the template where there is one. Where there is none, one is kept for the next time.
 *
 * @returns the superuser's password; it is the same for all that are made from one template, so it is to be changed
 * @throws DatabaseError `SERVER_INIT`
 */
export async function makeNewData(
  programs: ServerPrograms,
  dataDir: string,
  superuser: Superuser,
): Promise<string> {
  const template = templateOf(programs, superuser.user);
  if (template !== null) {
    const password = await copyTemplate(template, dataDir, programs.runAs);
    if (password !== null) return password;
  }
  await initialiseData(programs, dataDir, superuser);
  if (template !== null && !(await isTaken(template)))
    await keepTemplate(template, dataDir, superuser.password);
  return superuser.password;
}

/**
 * Where the template lies: its name tells all that initdb goes by. Null for programs whose version is not known, and
 * for a user who has no place for it.
 */
function templateOf({ version }: ServerPrograms, user: string): string | null {
  const folder = cacheFolder();
  if (version === null || folder === null) return null;
  // initdb asks for it, too, and writes it into the settings.
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const told = sha256(JSON.stringify([version, INITDB_ARGUMENTS, user, timeZone]));
  return join(folder, `${TEMPLATE_PREFIX}${told.slice(0, 16)}`);
}

/** @returns its password; null where there is no template, or none that is this user's */
async function copyTemplate(template: string, dataDir: string, runAs: RunAs): Promise<string | null> {
  try {
    if ((await lstat(template)).uid !== (process.getuid?.() ?? 0)) return null;
    const [password] = await Promise.all([
      readFile(join(template, PASSWORD_FILE), "utf8"),
      copyData(join(template, DATA_FOLDER), dataDir, runAs),
    ]);
    return password;
  } catch (error) {
    if (!isMissing(error) && !hasCode(error, "EACCES")) throw error;
    // It may have been taken away meanwhile.
    await rm(dataDir, { recursive: true, force: true });
    return null;
  }
}

/** Whether there is one, be it another user's. */
async function isTaken(template: string): Promise<boolean> {
  return (await unlessGone(stat(template), null)) !== null;
}

/** Nobody sees a template that is not whole: it gets its name when all of it is on the disk. */
async function keepTemplate(template: string, dataDir: string, password: string): Promise<void> {
  const cache = join(template, "..");
  let partial: string | undefined;
  try {
    await mkdir(cache, { recursive: true, mode: 0o700 });
    await clearLeftServers(cache);
    partial = await mkdtemp(join(cache, THROW_AWAY_PREFIX));
    takeOwnership(partial);
    await copyData(dataDir, join(partial, DATA_FOLDER), {});
    await writeFile(join(partial, PASSWORD_FILE), password, { mode: 0o600 });
    await flush(partial);
    await moveIntoPlace(partial, template);
    await clearOldTemplates(cache);
  } catch (error) {
    if (partial !== undefined) await rm(partial, { recursive: true, force: true });
    // Another process may have been quicker.
    if (!hasCode(error, "EEXIST", "ENOTEMPTY") && !isLackOfPlace(error)) throw error;
  }
}

async function copyData(from: string, to: string, owner: RunAs): Promise<void> {
  const entries = readdirSync(from, { recursive: true, withFileTypes: true });
  const all = entries.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return { path, copy: join(to, relative(from, path)), isFolder: entry.isDirectory() };
  });
  const folders = all.filter(({ isFolder }) => isFolder).map(({ copy }) => copy);
  for (const folder of [to, ...folders]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const files = all.filter(({ isFolder }) => !isFolder);
  await Promise.all(files.map(({ path, copy }) => copyFile(path, copy)));
  // Whoever gets them comes to them last: root writes into no folder in which another user can lay links.
  for (const { copy } of files) handOver(copy, owner);
  for (const folder of [to, ...folders].reverse()) handOver(folder, owner);
}

/** Makes a folder and all that is in it durable. */
async function flush(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await syncFolder(path);
    else await flushFile(path);
  }
  await syncFolder(folder);
}

async function flushFile(file: string): Promise<void> {
  const handle = await open(file, "r+");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function clearOldTemplates(cache: string): Promise<void> {
  const oldest = Date.now() - KEPT_FOR_DAYS * 24 * 3600 * 1000;
  for (const name of await readdir(cache)) {
    const path = join(cache, name);
    if (!name.startsWith(TEMPLATE_PREFIX) || (await lstat(path)).mtimeMs > oldest) continue;
    await rm(path, { recursive: true, force: true });
  }
}
