/** `wo import`: a tree of scripts from a database that is there, or from any other schema. */
import { resolve } from "node:path";
import { BlockedError } from "../../errors.js";
import { writeAtomic } from "../../files.js";
import { type RoleOnServer, readServerRoles } from "../../objects/import/server-roles.js";
import { type ImportedTree, importTree } from "../../objects/import.js";
import { withClient } from "../../postgres/connection.js";
import { readLiveSchema, type SchemaText } from "../live-schema.js";
import type { WoImportResult } from "../results.js";
import {
  connectionOfSource,
  NO_PROJECT_SETTINGS,
  parseSource,
  readSource,
  sourceName,
} from "../schema-source.js";
import type { CommandOptions } from "../session.js";
import { type FilesPlan, planFiles, treeFiles } from "./import-files.js";
import { readSettings, readTreeSettings } from "./settings.js";

export interface WoImportOptions extends CommandOptions {
  /** Any schema source, e.g. `shopdb@1.2.0` or `postgres://…`; the database of `WO_CONNECTION_STRING` unless given. */
  readonly source?: string | undefined;
  /** The tree's folder; `WO_DIR` unless given. */
  readonly dir?: string | undefined;
  /** Leaves out what holds rows, and what that is made of: for a tree beside deltas, which make the tables. */
  readonly withoutTables?: boolean | undefined;
  /** Writes over scripts that say something else. */
  readonly overwrite?: boolean | undefined;
}

/** What is imported, and to where. */
interface Reading {
  readonly name: string;
  readonly dir: string;
  readonly rolePrefix: string;
  readonly schema: SchemaText;
  /** Those of the server; none where the source is no server's. */
  readonly roles: ReadonlyMap<string, RoleOnServer>;
}

/**
 * Makes a tree from a schema: `wo migrate` of an empty database makes the same schema from the tree.
 *
 * @throws ConfigError for the variables and the source; BlockedError `TREE_NOT_EMPTY`; DatabaseError
 * @example
 * const { written } = await woImport({ source: "shopdb@head", dir: "objects" });
 */
export async function woImport(options: WoImportOptions = {}): Promise<WoImportResult> {
  const reading = await read(options);
  const tables = options.withoutTables !== true;
  const { dir, rolePrefix, roles, schema } = reading;
  const tree = await importTree(schema.text, { rolePrefix, roles, settings: schema.settings, tables });
  const plan = planFiles(tree.files, await treeFiles(dir), { database: tables });
  if (options.overwrite !== true) refuseOthers(dir, plan);
  for (const { path, content } of plan.write) {
    options.progress?.(path);
    await writeAtomic(resolve(dir, path), content);
  }
  return {
    source: reading.name,
    dir,
    checksum: (await schema.canonical()).checksum,
    written: plan.write.map(({ path }) => path),
    unchanged: plan.unchanged,
    unknown: [...plan.unknown],
    warnings: [...tree.warnings, ...roleWarnings(tree, roles), ...unknownWarnings(plan)],
  };
}

async function read(options: WoImportOptions): Promise<Reading> {
  if (options.source === undefined) {
    const { connection, ...tree } = await readSettings(options);
    options.progress?.(`reading ${connection.database}`);
    const [schema, roles] = await Promise.all([
      readLiveSchema(connection, NO_PROJECT_SETTINGS),
      withClient(connection, readServerRoles),
    ]);
    return { name: connection.database, ...tree, dir: options.dir ?? tree.dir, schema, roles };
  }
  const source = parseSource(options.source);
  const tree = readTreeSettings(options);
  const connection = await connectionOfSource(source, options);
  const schema = await readSource(source, options);
  const roles = connection === null ? new Map() : await withClient(connection, readServerRoles);
  return { name: sourceName(source), ...tree, schema, roles };
}

/** How many scripts a refusal names. */
const NAMED = 5;

/** @throws BlockedError `TREE_NOT_EMPTY` where scripts would be written over, or stay that are of something else */
function refuseOthers(dir: string, { changed, unknown }: FilesPlan): void {
  const others = [...changed, ...unknown].sort();
  if (others.length === 0) return;
  const more = others.length > NAMED ? `\n  and ${others.length - NAMED} more` : "";
  throw new BlockedError(
    "TREE_NOT_EMPTY",
    `The tree holds scripts already that say something else:\n${others
      .slice(0, NAMED)
      .map((path) => `  ${path}`)
      .join("\n")}${more}`,
    {
      where: dir,
      hint: "Nothing was written. Choose another folder, or write over what has the same name and keep the rest:\n  wo import --overwrite",
    },
  );
}

/** What a server knows of the tree's roles and no script can tell. */
function roleWarnings({ roles }: ImportedTree, onServer: ReadonlyMap<string, RoleOnServer>): string[] {
  return roles.flatMap((name) => {
    const role = onServer.get(name);
    const members = (role?.members ?? []).filter(
      (member) => !roles.includes(member) && onServer.get(member)?.isSuperuser === false,
    );
    return [
      ...(role?.canLogin === true
        ? [`The role ${name} may log in, and its script gives it no password.`]
        : []),
      ...members.map(
        (member) =>
          `The role ${member} is a member of ${name}, and has no script: a new server will not know that.`,
      ),
    ];
  });
}

function unknownWarnings({ unknown }: FilesPlan): string[] {
  return unknown.map((path) => `${path} stays in the tree, and makes nothing that the schema has.`);
}
