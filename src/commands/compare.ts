/**
 * Are two schemas the same? Text answers first; where it cannot decide, PostgreSQL does: both schemas go through
 * one and the same server, and what it prints of them is compared.
 */
import { BlockedError, ConfigError, type WovError } from "../errors.js";
import type { ConnectionSettings } from "../postgres/connection.js";
import type { ShadowServer } from "../postgres/shadow-servers.js";
import { diffSchemas, type Schema, type SchemaDiff } from "../schema/index.js";
import { neededBy } from "../schema/needs.js";
import { verdictOf } from "../schema/undecided.js";
import type { KnownSame } from "./known-same.js";
import { readLiveSchema, type SchemaText } from "./live-schema.js";

/** How two schemas compare. */
export interface SchemaComparison {
  /** As the server prints them where one was asked. */
  readonly from: Schema;
  readonly to: Schema;
  readonly diff: SchemaDiff;
  readonly differs: boolean;
  /** Whether a server was asked. */
  readonly byServer: boolean;
  /** Why a server could not be asked, where all that differs is how two servers printed it; then `differs` is the text's word. */
  readonly undecided: string | null;
  readonly warnings: readonly string[];
}

export interface CompareOptions {
  /** A database on whose server shadows may be made; an embedded server serves where there is none or the role may not. */
  readonly near?: ConnectionSettings | undefined;
  /** The server to ask, where the caller has one already. */
  readonly server?: ShadowServer | undefined;
  /** Answers of earlier runs. */
  readonly known?: KnownSame | undefined;
  /** Only whether they differ is asked: what differs for certain is not looked at further. */
  readonly verdictOnly?: boolean | undefined;
  readonly progress: (doing: string) => void;
}

/**
 * Compares two schemas that were read with the same settings. A server is asked only where it can change the
 * answer; where none can be asked, the text's answer stands, with a warning.
 */
export async function compareSchemas(
  from: SchemaText,
  to: SchemaText,
  options: CompareOptions,
): Promise<SchemaComparison> {
  const [before, after] = await Promise.all([from.canonical(), to.canonical()]);
  const byText = comparison(before, after, false);
  const verdict = verdictOf(byText.diff, from.server !== null && from.server === to.server);
  const asks = verdict === "undecided" || (verdict === "partly" && options.verdictOnly !== true);
  if (!asks) return byText;
  if (await options.known?.has(from.sha256, to.sha256)) return comparison(before, before, true);
  options.progress("asking a server what text cannot decide");
  try {
    const [printedBefore, printedAfter] = await throughServer([from, to], options);
    const byServer = comparison(await printedBefore.canonical(), await printedAfter.canonical(), true);
    if (!byServer.differs) await options.known?.add(from.sha256, to.sha256);
    return byServer;
  } catch (error) {
    if (!(error instanceof BlockedError) && !(error instanceof ConfigError)) throw error;
    const reason = `No server could be asked whether what differs only in how it is printed is the same. ${reasonOf(error)}`;
    const undecided = verdict === "undecided" ? reason : null;
    return { ...byText, undecided, warnings: [...byText.warnings, reason] };
  }
}

function comparison(from: Schema, to: Schema, byServer: boolean): SchemaComparison {
  return {
    from,
    to,
    diff: diffSchemas(from, to),
    differs: from.checksum !== to.checksum,
    byServer,
    undecided: null,
    warnings: [...new Set([...from.warnings, ...to.warnings])],
  };
}

function reasonOf({ message, where }: WovError): string {
  return where === undefined ? message : `${message} (${where})`;
}

async function throughServer(
  [from, to]: readonly [SchemaText, SchemaText],
  { near, server: given }: CompareOptions,
): Promise<readonly [SchemaText, SchemaText]> {
  const { ShadowServers } = await import("../postgres/shadow-servers.js");
  const servers = new ShadowServers();
  try {
    const server = given ?? (await servers.own(near)) ?? (await servers.embedded());
    return [await printed(server, from), await printed(server, to)];
  } finally {
    await servers.close();
  }
}

/** The schema as a server prints it that has loaded it from text. */
async function printed(server: ShadowServer, { text, settings }: SchemaText): Promise<SchemaText> {
  const { withLoadedShadow } = await import("../postgres/shadow.js");
  const roles = server.isThrowAway ? (await neededBy(text)).roles : [];
  return withLoadedShadow(server, { sql: text, name: "the schema", roles }, (shadow) =>
    readLiveSchema(shadow, { pgDump: "bundled", schema: settings }),
  );
}
