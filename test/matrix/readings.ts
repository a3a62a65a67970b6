/** What the matrix reads of one schema, and what it finds in that. */
import { createHash } from "node:crypto";
import { compareSchemas } from "#src/commands/compare.js";
import { type SchemaText, schemaText } from "#src/commands/live-schema.js";
import { diff } from "#src/index.js";
import type { ConnectionSettings } from "#src/postgres/connection.js";
import { dumpSchema } from "#src/postgres/dump.js";
import type { EmbeddedServer } from "#src/postgres/embedded.js";
import { canonicalSchema, DEFAULT_SETTINGS, diffSchemas, type Schema } from "#src/schema/index.js";
import { urlOf } from "../support/server.js";
import { load, type Program, type Version } from "./servers.js";
import type { Source } from "./sources.js";

/** One dump of a schema, and where it came from. */
export interface Reading {
  readonly from: string;
  readonly dump: string;
  readonly schema: Schema;
}

/** Two databases that hold one schema on servers of two versions. */
export interface Move {
  readonly from: string;
  /** `checksum` where the checksums are equal, `server` where a server had to be asked. */
  readonly sameBy: "checksum" | "server" | null;
  /** By their texts where a server was asked, as the server sees it where they are not the same. */
  readonly differences: readonly string[];
}

/** All that was found of one schema. */
export interface Findings {
  readonly source: Source;
  readonly readings: Reading[];
  readonly moves: Move[];
}

const LEFT_OUT = { owners: false, tablespaces: false, subscriptions: false };

/** What a database holds, in a form that can be compared and loaded. */
export async function textOf(connection: ConnectionSettings): Promise<SchemaText> {
  return schemaText(await dumpSchema(connection, { program: "bundled", ...LEFT_OUT }), DEFAULT_SETTINGS);
}

/** Reads a database with every program that can read its server, and so what its archive makes. */
export async function readings(
  server: EmbeddedServer,
  { major }: Version,
  connection: ConnectionSettings,
  all: readonly Program[],
): Promise<Reading[]> {
  const read = async (
    database: ConnectionSettings,
    { program, name }: Program,
    how = "",
  ): Promise<Reading> => {
    const dump = await dumpSchema(database, { program, ...LEFT_OUT });
    return { from: `server ${major}, ${name}${how}`, dump, schema: await canonicalSchema(dump) };
  };
  const found: Reading[] = [];
  const able = all.filter((program) => program.major >= major);
  for (const program of able) found.push(await read(connection, program));
  const again = await load(server, `${connection.database}_again`, (await textOf(connection)).text);
  for (const program of able) found.push(await read(again, program, ", loaded from its archive"));
  return found;
}

/**
 * Moves a schema to a newer server, as an upgrade by dump and restore does, and compares it with what it was; then
 * compares two live databases that each server has made of the same SQL.
 */
export async function moves(
  from: { readonly version: Version; readonly connection: ConnectionSettings },
  to: { readonly version: Version; readonly server: EmbeddedServer; readonly connection: ConnectionSettings },
): Promise<Move[]> {
  const path = `${from.version.major} to ${to.version.major}`;
  const was = await textOf(from.connection);
  const moved = await load(to.server, `${from.connection.database}_from_${from.version.major}`, was.text);
  const is = await textOf(moved);
  const compared = await compareSchemas(was, is, { near: to.server.connection, progress: () => undefined });
  const texts = [await was.canonical(), await is.canonical()] as const;
  const byText = differencesOf(...texts);
  const live = await diff(urlOf(from.connection), urlOf(to.connection), { cwd: "/" });
  return [
    {
      from: `dumped and restored, ${path}`,
      sameBy: byText.length === 0 ? "checksum" : compared.differs ? null : "server",
      differences: compared.differs ? differencesOf(compared.from, compared.to) : byText,
    },
    {
      from: `both alive, ${path}`,
      sameBy: live.differs ? null : live.byServer ? "server" : "checksum",
      differences: live.changes.map(({ change, type, name, details }) =>
        [change, type, name, ...details].join(" "),
      ),
    },
  ];
}

export function differencesOf(from: Schema, to: Schema): string[] {
  const { added, changed, dropped } = diffSchemas(from, to);
  return [
    ...added.map(({ id }) => `+ ${id}`),
    ...dropped.map(({ id }) => `- ${id}`),
    ...changed.map(({ after, details }) => `~ ${after.id}: ${details.join("; ")}`),
  ];
}

/** Ways to make a checksum of a dump's text, each more patient than the one before. */
export const PLAIN_CHECKSUMS: readonly (readonly [name: string, (dump: string) => string])[] = [
  ["the dump as it is", (dump) => dump],
  ["without `\\restrict` lines", (dump) => dump.replace(/^\\(?:un)?restrict .*\n/gm, "")],
  [
    "without comments and `SET` lines too",
    (dump) => dump.replace(/^(?:\\(?:un)?restrict .*|--.*|SET .*|SELECT pg_catalog\.set_config.*|)\n/gm, ""),
  ],
];

/** How many pairs of values are unlike. */
export function pairsApart(values: readonly string[]): number {
  return values.reduce(
    (sum, value, index) => sum + values.slice(index + 1).filter((other) => other !== value).length,
    0,
  );
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
