/** The programs that a deploy is held against, each with the same SQL in the files that it reads. */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PACKAGE } from "../test/support/project.js";

/** What is applied for one version. */
export interface BenchVersion {
  readonly statements: readonly string[];
  /** False where the server refuses a statement inside a transaction. */
  readonly transaction: boolean;
}

/** A program to measure, as a process. */
export interface Side {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** A folder whose programs it finds before others. */
  readonly programs?: string;
}

const PEERS = join(PACKAGE, "bench", "peers");

const program = (name: string) => join(PEERS, "node_modules", ".bin", name);

/**
 * Writes what each program reads.
 *
 * @param folder a folder of its own
 * @param pgDump a native pg_dump that can read the server; where there is none, nothing that needs one is measured
 */
export async function peerSides(
  folder: string,
  versions: readonly BenchVersion[],
  pgDump: string | null,
): Promise<Side[]> {
  await mkdir(folder, { recursive: true });
  return [
    await bareLoop(folder, versions),
    ...(await dbmate(join(folder, "dbmate"), versions, pgDump)),
    await nodePgMigrate(join(folder, "node-pg-migrate"), versions),
    await graphileMigrate(join(folder, "graphile-migrate"), versions),
  ];
}

async function bareLoop(cwd: string, versions: readonly BenchVersion[]): Promise<Side> {
  const file = join(cwd, "versions.json");
  await writeFile(file, JSON.stringify(versions));
  const args = [join(PEERS, "bare-loop.js"), file];
  return { name: "bare loop", program: process.execPath, args, cwd };
}

/** It has pg_dump write the schema that it led to into a file, unless it is told not to. */
async function dbmate(
  cwd: string,
  versions: readonly BenchVersion[],
  pgDump: string | null,
): Promise<Side[]> {
  await writeAll(join(cwd, "db", "migrations"), versions, ({ statements, transaction }, number) => ({
    name: `${20250101000000 + number}_version.sql`,
    content: `-- migrate:up${transaction ? "" : " transaction:false"}\n${sqlOf(statements)}\n-- migrate:down\n`,
  }));
  const side = { program: program("dbmate"), cwd };
  const bare = { ...side, name: "dbmate --no-dump-schema", args: ["--no-dump-schema", "migrate"] };
  if (pgDump === null) return [bare];
  return [bare, { ...side, name: "dbmate", args: ["migrate"], programs: dirname(pgDump) }];
}

async function nodePgMigrate(cwd: string, versions: readonly BenchVersion[]): Promise<Side> {
  await writeAll(join(cwd, "migrations"), versions, ({ statements, transaction }, number) => {
    const name = `${1735689600000 + number}_version`;
    const sql = sqlOf(statements);
    if (transaction) return { name: `${name}.sql`, content: `-- Up Migration\n${sql}` };
    const content = `exports.up = (pgm) => {\n  pgm.noTransaction();\n  pgm.sql(${JSON.stringify(sql)});\n};\n`;
    return { name: `${name}.cjs`, content };
  });
  // It takes one transaction for all where it may, as it does unless told otherwise.
  const each = versions.every(({ transaction }) => transaction) ? [] : ["--no-single-transaction"];
  return { name: "node-pg-migrate", program: program("node-pg-migrate"), args: ["up", ...each], cwd };
}

async function graphileMigrate(cwd: string, versions: readonly BenchVersion[]): Promise<Side> {
  let previous = "";
  await writeAll(join(cwd, "migrations", "committed"), versions, ({ statements, transaction }, number) => {
    const body = `${transaction ? "" : "--! no-transaction\n"}${sqlOf(statements)}`.trim();
    // The chain of checksums that it looks for in what it has committed.
    const hash = `sha1:${createHash("sha1")
      .update(`${`${previous}\n${body}`.trim()}\n`)
      .digest("hex")}`;
    const content = `--! Previous: ${previous === "" ? "-" : previous}\n--! Hash: ${hash}\n\n${body}\n`;
    previous = hash;
    return { name: `${String(number).padStart(6, "0")}.sql`, content };
  });
  await writeFile(join(cwd, ".gmrc"), "{}\n");
  return { name: "graphile-migrate", program: program("graphile-migrate"), args: ["migrate"], cwd };
}

function sqlOf(statements: readonly string[]): string {
  return statements.map((sql) => `${sql};\n`).join("");
}

async function writeAll(
  folder: string,
  versions: readonly BenchVersion[],
  fileOf: (version: BenchVersion, number: number) => { readonly name: string; readonly content: string },
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [index, version] of versions.entries()) {
    const { name, content } = fileOf(version, index + 1);
    await writeFile(join(folder, name), content);
  }
}
