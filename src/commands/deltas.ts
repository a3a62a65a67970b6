/** Writing the SQL that leads from one schema to another, and proving it. */
import { resolve } from "node:path";
import type { ProjectDatabase } from "../config/project.js";
import { checkDeltas } from "../deltas/check.js";
import { statementFacts } from "../deltas/facts.js";
import { renderPlaces } from "../deltas/write/places.js";
import { renderStatements } from "../deltas/write/render.js";
import { BlockedError } from "../errors.js";
import { writeAtomic } from "../files.js";
import { startDumpWorkerAhead } from "../postgres/bundled-dump.js";
import type { ConnectionSettings } from "../postgres/connection.js";
import type { ShadowServer } from "../postgres/shadow-servers.js";
import { loadParser, type Parser } from "../schema/parser.js";
import { loadLibraryAhead } from "./deltas/library.js";
import { isProvenNearby, nearbySchemas } from "./deltas/nearby.js";
import type { RenameOptions } from "./deltas/renames.js";
import { withRowsInMind } from "./deltas/rows.js";
import { type Written, writeDeltas } from "./deltas/write.js";
import { refuseSettingsThatDiffer } from "./diff.js";
import type { SchemaText } from "./live-schema.js";
import type { ObjectScripts } from "./objects/scripts.js";
import { prove, ShadowServers } from "./proof.js";
import type { DeltasResult } from "./results.js";
import {
  connectionOfSource,
  databaseOf,
  parseSource,
  readSource,
  refuseUrlForTwo,
  type SchemaSource,
  sourceName,
} from "./schema-source.js";
import type { CommandOptions } from "./session.js";

/** How deltas are to be written. */
export interface WritingOptions extends CommandOptions, RenameOptions {
  /** Whether the safer ways are written, which hold up nobody for long. */
  readonly online?: boolean | undefined;
}

export interface DeltasOptions extends WritingOptions {
  /** A file to write the deltas to. */
  readonly out?: string | undefined;
}

/**
 * Writes the SQL that leads from one schema to another.
 *
 * @param from a schema source, see `hash`
 * @param to a schema source
 * @throws ConfigError `SETTINGS_DIFFER`; BlockedError `SHADOW_REFUSED` where no server can hold one of them
 * @example (await deltas("shopdb@head", "shopdb")).sql // → "ALTER TABLE public.orders ADD COLUMN note text;\n"
 */
export async function deltas(from: string, to: string, options: DeltasOptions = {}): Promise<DeltasResult> {
  const [before, after] = [parseSource(from), parseSource(to)];
  refuseUrlForTwo([before, after], options);
  const [there, here] = [await connectionOfSource(before, options), await connectionOfSource(after, options)];
  const places = { near: here ?? there ?? undefined, rows: there ?? here ?? undefined };
  const like = databaseOf(before) ?? databaseOf(after);
  const read = (source: SchemaSource) => readSource(source, options, like);
  const result = await withServersFor(places.near, async (servers) => {
    const [old, now] = await Promise.all([read(before), read(after)]);
    refuseSettingsThatDiffer(old, now);
    const database = { pgDump: "bundled", schema: now.settings };
    return writeOn(servers, { from: old, to: now, ...places, pending: "", database }, options);
  });
  const { out } = options;
  const file = out === undefined ? null : resolve(options.cwd ?? process.cwd(), out);
  if (file !== null) await writeAtomic(file, result.sql);
  return { from: sourceName(before), to: sourceName(after), file, ...result };
}

export interface WritingRequest {
  readonly from: SchemaText;
  readonly to: SchemaText;
  /** Deltas that are written already. */
  readonly pending: string;
  /** A database on whose server shadows are made where they may be. */
  readonly near: ConnectionSettings | undefined;
  /** A database with rows such as those that the deltas will meet. */
  readonly rows: ConnectionSettings | undefined;
  readonly database: Pick<ProjectDatabase, "pgDump" | "schema">;
  /** Object scripts that are applied behind the deltas. */
  readonly scripts?: ObjectScripts | null | undefined;
  /** What the writing begins with, where that is another schema than the deltas are applied to. */
  readonly drawnFrom?: SchemaText | undefined;
}

/** What of a result is about the writing. */
export type DeltasWritten = Omit<DeltasResult, "from" | "to" | "file">;

/** Writes what leads from one schema to another behind what is written already, and proves both together. */
export function writeAndProve(request: WritingRequest, options: WritingOptions): Promise<DeltasWritten> {
  return withServersFor(request.near, (servers) => writeOn(servers, request, options));
}

/** What takes a while to start is started first, and beside whatever else has to be done before it is needed. */
async function withServersFor<T>(
  near: ConnectionSettings | undefined,
  work: (servers: ShadowServers) => Promise<T>,
): Promise<T> {
  const servers = new ShadowServers();
  if (near === undefined) servers.startAhead();
  startDumpWorkerAhead();
  try {
    return await work(servers);
  } finally {
    await servers.close();
  }
}

async function writeOn(
  servers: ShadowServers,
  request: WritingRequest,
  options: WritingOptions,
): Promise<DeltasWritten> {
  const asking = { ...options, askRename: askedOnce(options.askRename) };
  const parser = await loadParser();
  loadLibraryAhead();
  const near = await writeNearby(servers, request, asking, parser);
  if (near?.outcome === "proven") return near;
  return told(servers, request, asking, parser, await write(servers, request, asking, parser));
}

/** In a large schema it is tried first with what the difference is about alone; proven is it with all. */
async function writeNearby(
  servers: ShadowServers,
  request: WritingRequest,
  options: WritingOptions,
  parser: Parser,
): Promise<DeltasWritten | null> {
  const { to, pending, drawnFrom = request.from } = request;
  const part = nearbySchemas(drawnFrom, to, pending);
  if (part === null) return null;
  try {
    const written = await write(servers, { ...request, drawnFrom: part.from, to: part.to }, options, parser);
    if (written.open.length + written.statements.length === 0) return null;
    return await told(servers, request, options, parser, written);
  } catch (error) {
    // Something that is needed was left away.
    if (error instanceof BlockedError) return null;
    throw error;
  }
}

/** Nobody is asked twice about the same. */
function askedOnce(ask: WritingOptions["askRename"]): WritingOptions["askRename"] {
  const answers = new Map<string, Promise<boolean>>();
  return (
    ask &&
    ((candidate) => {
      const key = JSON.stringify([candidate.kind, candidate.from, candidate.to]);
      const answer = answers.get(key) ?? ask(candidate);
      answers.set(key, answer);
      return answer;
    })
  );
}

/** What was written as a result, proven where it can be. */
async function told(
  servers: ShadowServers,
  request: WritingRequest,
  options: WritingOptions,
  parser: Parser,
  written: Written,
): Promise<DeltasWritten> {
  const statements = await withRowsInMind(written.statements, request.rows, parser);
  const open = [...statements.flatMap(({ place }) => place ?? []), ...written.open];
  const text = renderStatements(statements, parser);
  const places = renderPlaces(written.open);
  const common = {
    sql: [text, places].filter((part) => part !== "").join("\n"),
    statements: statements.map(({ sql, notes }) => ({
      sql,
      notes: [...notes],
      destructive: statementFacts({ text: sql }, parser).destructive,
    })),
    open: open.map(({ id, change, details, why }) => ({
      ...named(id),
      change,
      details: [...details],
      why,
    })),
    renames: written.renames.map(({ kind, from, to }) => ({ kind, from, to })),
    reasons: [],
    warnings: [],
  };
  if (open.length > 0) return { ...common, outcome: "open" };
  if (statements.length === 0) return { ...common, outcome: "nothing" };
  return { ...common, ...(await verdict(servers, request, text, options, parser)) };
}

/** `table shop.orders` as type and name. */
function named(id: string): { type: string; name: string } {
  const at = id.search(/ [^ ]*$/);
  return { type: id.slice(0, at), name: id.slice(at + 1) };
}

/** The database's own server serves first; where it refuses one of the schemas, an embedded one is asked. */
async function write(
  servers: ShadowServers,
  { from, to, near, pending, drawnFrom = from }: WritingRequest,
  options: WritingOptions,
  parser: Parser,
): Promise<Written> {
  const written = (await checkDeltas(Buffer.from(pending), "the pending deltas")).statements;
  const progress = options.progress ?? (() => undefined);
  const { online = false } = options;
  const on = (server: ShadowServer) =>
    writeDeltas({
      from: drawnFrom,
      to,
      pending: written.map(({ text }) => ({ sql: text })),
      server,
      parser,
      renames: options,
      online,
      progress,
    });
  const own = await servers.own(near);
  if (own === null) return on(await servers.embedded(near));
  try {
    return await on(own);
  } catch (error) {
    if (!(error instanceof BlockedError) || error.code !== "SHADOW_REFUSED") throw error;
    return on(await servers.embedded(near));
  }
}

async function verdict(
  servers: ShadowServers,
  { from, to, near, pending, database, scripts }: WritingRequest,
  text: string,
  { progress = () => undefined }: WritingOptions,
  parser: Parser,
): Promise<Pick<DeltasWritten, "outcome" | "reasons">> {
  const content = Buffer.from([pending, text].filter((part) => part !== "").join("\n"));
  const deltas = { file: "the deltas", content };
  const request = { from, to, near, database, scripts, progress, deltas };
  if (await isProvenNearby(servers, request, parser)) return { outcome: "proven", reasons: [] };
  const proof = await prove(servers, request);
  if (proof.verdict === "proven") return { outcome: "proven", reasons: [] };
  if (proof.verdict === "uncovered") return { outcome: "unproven", reasons: [...proof.reasons] };
  const { failure, missed, surplus } = proof;
  const told = [...missed, ...surplus].map(({ change, type, name }) => `${type} ${name} ${change}`);
  return {
    outcome: "unproven",
    reasons: failure === null ? told : [`${failure.where}: ${failure.message} (${failure.statement})`],
  };
}
