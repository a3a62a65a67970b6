/** Projects in temporary folders. */
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WovError } from "#src/errors.js";

const folders: string[] = [];
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that goes away with the process; its name has what a path may have. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wov größe "));
  folders.push(folder);
  return folder;
}

/** The error of this package that a call ends with; any other error, or none, fails the test. */
export async function failureOf(work: () => unknown): Promise<WovError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof WovError) return error;
    throw error;
  }
  throw new Error("the call was expected to fail and did not");
}

/** A project with the given text as its config.json. */
export async function projectWith(config: string): Promise<string> {
  const root = temporaryFolder();
  await mkdir(join(root, "wovtools", "secrets"), { recursive: true });
  await writeFile(join(root, "wovtools", "config.json"), config);
  return root;
}

/** Writes a secrets file that only its owner can read. */
export async function writeSecrets(
  root: string,
  name: string,
  content: unknown,
  mode = 0o600,
): Promise<string> {
  const file = join(root, "wovtools", "secrets", name);
  await writeFile(file, typeof content === "string" ? content : JSON.stringify(content), { mode });
  return file;
}
