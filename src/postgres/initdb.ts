/** Making the data directory of a new server. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseError } from "../errors.js";
import { handOver, runProgram, type ServerPrograms } from "./server-programs.js";

/** The superuser that a new server begins with. */
export interface Superuser {
  readonly user: string;
  readonly password: string;
}

/** What initdb is told besides where, and who the superuser is. */
export const INITDB_ARGUMENTS: readonly string[] = [
  ...["--auth", "scram-sha-256"],
  ...["--encoding", "UTF8"],
  ...["--locale", "C"],
  "--no-sync",
];

/** @throws DatabaseError `SERVER_INIT` */
export async function initialiseData(
  { folder, runAs }: ServerPrograms,
  dataDir: string,
  { user, password }: Superuser,
): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const passwordFile = join(dirname(dataDir), `.initdb-${process.pid}`);
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  try {
    handOver(dataDir, runAs);
    handOver(passwordFile, runAs);
    const made = await runProgram(
      join(folder, "bin", "initdb"),
      ["-D", dataDir, "--username", user, "--pwfile", passwordFile, ...INITDB_ARGUMENTS],
      runAs,
    );
    if (made.status === 0) return;
    throw new DatabaseError("SERVER_INIT", "The embedded server's data directory could not be made.", {
      where: dataDir,
      hint: made.output.trim(),
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
}
