/** The ground that every room stands on: reading text, writing so that no half file is ever seen, staying inside a folder. */
import { createHash, hash } from "node:crypto";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { ConfigError, type ErrorDetails, type WovError } from "./errors.js";

/** The class of an error, for code that reports on behalf of several rooms. */
export type ErrorKind = new (code: string, message: string, details?: ErrorDetails) => WovError;

/** SHA-256 as 64 lower-case hexadecimal digits; a string is taken as UTF-8. */
export function sha256(content: string | Uint8Array): string {
  return hash("sha256", content);
}

/** Whether an error is one of the system's by one of these names, e.g. `EACCES`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** Whether an error of the file system says that there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, "ENOENT", "ENOTDIR");
}

/** Why a file system does not do what is right to ask: rights, room, a medium that is read only. */
const REFUSALS = ["EACCES", "EDQUOT", "EIO", "EMFILE", "ENAMETOOLONG", "ENFILE", "ENOSPC", "EPERM", "EROFS"];

/**
 * The error to tell where the file system refused, which is no defect of the program; null for any other error.
 *
 * @example refusedBySystem(error)?.message // → "The system refuses: no space left on device (ENOSPC, write)."
 */
export function refusedBySystem(error: unknown): ConfigError | null {
  if (!(error instanceof Error) || !hasCode(error, ...REFUSALS) || "address" in error) return null;
  const [, code, reason, call] = /^([A-Z]+): (.+?), (\w+)/s.exec(error.message) ?? [];
  if (code === undefined) return null;
  const where = "path" in error && typeof error.path === "string" ? error.path : undefined;
  return new ConfigError("SYSTEM_REFUSES", `The system refuses: ${reason} (${code}, ${call}).`, {
    where,
    hint: "Mend that, then run the command again; it goes on from where it was.",
    cause: error,
  });
}

/** Whether there is a folder at a path. */
export async function isFolder(path: string): Promise<boolean> {
  return (await exists(path)) && (await stat(path)).isDirectory();
}

/** Whether there is something at a path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/**
 * Reads a file's bytes.
 *
 * @param failure the error class of whoever asks
 * @returns null when there is no such file
 * @throws failure `FILE_UNREADABLE` for any other reason, e.g. a missing right or a folder of that name
 */
export async function readBytes(file: string, failure: ErrorKind): Promise<Buffer | null> {
  try {
    return await readFile(file);
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw unreadable(file, cause, failure);
  }
}

/**
 * Reads a text file.
 *
 * @returns null when there is no such file
 * @throws failure `FILE_UNREADABLE`, or `FILE_NOT_UTF8` when its bytes are no UTF-8 or start with a byte-order mark
 */
export async function readText(file: string, failure: ErrorKind): Promise<string | null> {
  const bytes = await readBytes(file, failure);
  return bytes === null ? null : decodeUtf8(bytes, file, failure);
}

/**
 * `readBytes` at once, for thousands of small files: a promise for each costs more than the reading.
 *
 * @returns null when there is no such file
 * @throws failure `FILE_UNREADABLE`
 */
export function readBytesSync(file: string, failure: ErrorKind): Buffer | null {
  try {
    return readFileSync(file);
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw unreadable(file, cause, failure);
  }
}

/**
 * `readText` at once.
 *
 * @returns null when there is no such file
 * @throws failure `FILE_UNREADABLE`, `FILE_NOT_UTF8`
 */
export function readTextSync(file: string, failure: ErrorKind): string | null {
  const bytes = readBytesSync(file, failure);
  return bytes === null ? null : decodeUtf8(bytes, file, failure);
}

/** Memory that every file is read into: new memory for each of thousands takes longer than the reading. */
let window: Buffer | undefined;
const WINDOW_BYTES = 256 * 1024;

/**
 * The SHA-256 of a file whose content nobody wants, at once.
 *
 * @returns 64 lower-case hexadecimal digits; null when there is no such file
 * @throws failure `FILE_UNREADABLE`
 */
export function sha256OfFileSync(file: string, failure: ErrorKind): string | null {
  window ??= Buffer.allocUnsafeSlow(WINDOW_BYTES);
  const digest = createHash("sha256");
  try {
    const descriptor = openSync(file, "r");
    try {
      for (let length = -1; length !== 0; digest.update(window.subarray(0, length)))
        length = readSync(descriptor, window);
    } finally {
      closeSync(descriptor);
    }
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw unreadable(file, cause, failure);
  }
  return digest.digest("hex");
}

function unreadable(file: string, cause: unknown, failure: ErrorKind): WovError {
  const reason = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  return new failure("FILE_UNREADABLE", `The file cannot be read (${reason}).`, { where: file, cause });
}

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Buffer, file: string, failure: ErrorKind): string {
  let text: string;
  try {
    text = DECODER.decode(bytes);
  } catch (cause) {
    throw new failure("FILE_NOT_UTF8", "The file is not UTF-8.", {
      where: file,
      hint: "Save it as UTF-8.",
      cause,
    });
  }
  if (!text.startsWith("\uFEFF")) return text;
  throw new failure("FILE_NOT_UTF8", "The file starts with a byte-order mark.", {
    where: `${file}:1:1`,
    hint: "Save it as UTF-8 without a byte-order mark.",
  });
}

/**
 * Writes a file so that a reader, or a power cut, finds the old content or the new, never a part: a temporary
 * name in the same folder, fsync, rename, fsync of the folder. Folders are made as needed.
 *
 * @param options.mode the new file's permission bits, e.g. 0o600; before the umask
 */
export async function writeAtomic(
  file: string,
  content: string | Uint8Array,
  options: { readonly mode?: number } = {},
): Promise<void> {
  await moveIntoPlace(await writeTemporary(file, content, options), file);
}

/**
 * The first half of `writeAtomic`. The temporary name is the same each time, so that what a killed run left
 * behind is overwritten by the next; whoever may run twice at once holds a lock.
 *
 * @returns the temporary file's path
 */
export async function writeTemporary(
  file: string,
  content: string | Uint8Array,
  options: { readonly mode?: number } = {},
): Promise<string> {
  await mkdir(dirname(file), { recursive: true });
  const temporary = temporaryName(file);
  const handle = await open(temporary, "w", options.mode ?? 0o666);
  try {
    // `open` leaves the mode of a file that was there already as it is.
    if (options.mode !== undefined) await handle.chmod(options.mode);
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return temporary;
}

/** The name under which `writeTemporary` writes a file first. */
export function temporaryName(file: string): string {
  return join(dirname(file), `.${basename(file)}.wov-tmp`);
}

/** The second half of `writeAtomic`: the rename, made durable. */
export async function moveIntoPlace(temporary: string, file: string): Promise<void> {
  await rename(temporary, file);
  await syncFolder(dirname(file));
}

/** Makes renames and removals in a folder durable. Windows cannot open a folder for this and needs no such call. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Whether a path lies in a folder or is that folder. Both are resolved; nothing on disk is looked at. */
export function isInside(folder: string, path: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/**
 * Joins a path from outside to a folder and refuses what leads out of it.
 *
 * @returns the absolute path
 * @throws failure `PATH_OUTSIDE`
 */
export function resolveInside(folder: string, path: string, failure: ErrorKind): string {
  const resolved = resolve(folder, path);
  if (isInside(folder, resolved)) return resolved;
  throw new failure("PATH_OUTSIDE", `The path "${path}" leads out of its folder.`, { where: folder });
}
