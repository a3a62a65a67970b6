/** `wo drop --no-joke`: the whole database is gone, and its roles. */
import { DatabaseError as ServerError } from "pg";
import { BlockedError } from "../../errors.js";
import { describeName, idOf, nameOfId } from "../../objects/kinds.js";
import { NOTHING, type ObjectsState, readBase } from "../../objects/state.js";
import { readTree, type Tree } from "../../objects/tree.js";
import { type Client, describeConnection } from "../../postgres/connection.js";
import { quoteIdentifier } from "../../postgres/quote.js";
import { lockDatabase } from "../../stage/lock.js";
import type { WoDropResult } from "../results.js";
import { openDatabase, runAsAdmin } from "./database.js";
import { readSettings, type WoOptions, type WoSettings } from "./settings.js";

export interface WoDropOptions extends WoOptions {
  /** Without it nothing is dropped. */
  readonly noJoke?: boolean | undefined;
  /** Told the names of what will be gone, before anything is. */
  readonly announce?: ((names: readonly string[]) => void) | undefined;
}

/**
 * Drops the roles that the bookkeeping or the tree names, with all that they own, and runs the scripts of `drop/` on
 * the admin connection.
 *
 * @throws BlockedError `DROP_NO_JOKE`, `DROP_FORBIDDEN`, `ROLE_STAYS`; ConfigError; DatabaseError
 */
export async function woDrop(options: WoDropOptions = {}): Promise<WoDropResult> {
  const settings = await readSettings(options);
  const tree = await readTree(settings.dir, settings.rolePrefix);
  const client = await openDatabase(settings);
  const progress = options.progress ?? (() => undefined);
  try {
    const state = client === null ? NOTHING : await readBase(client);
    const roles = client === null ? [] : rolesToGo(tree, state);
    const objects = [...state.recorded.keys()].filter((id) => !id.startsWith("role."));
    options.announce?.(namesOf(settings, roles, objects, client !== null));
    refuseJoke(settings, options.noJoke === true);
    if (client !== null) {
      await lockDatabase(client, 0, () => undefined);
      for (const role of roles) {
        progress(`role ${role}`);
        await dropRole(client, role);
      }
      await client.end();
    }
    await runAsAdmin(tree.drop, settings, progress);
    return {
      database: settings.connection.database,
      target: describeConnection(settings.connection),
      dropped: client !== null,
      roles,
      objects,
      scripts: tree.drop.map(({ path }) => path),
      notes: [...tree.notes],
    };
  } finally {
    await client?.end().catch(() => undefined);
  }
}

function refuseJoke({ allowDrop, connection: { database } }: WoSettings, noJoke: boolean): void {
  if (!allowDrop) {
    throw new BlockedError("DROP_FORBIDDEN", `WO_ALLOW_DROP forbids to drop ${database}.`, {
      where: "WO_ALLOW_DROP",
      hint: "Where this is meant, set WO_ALLOW_DROP to true for this one command.",
    });
  }
  if (noJoke) return;
  throw new BlockedError("DROP_NO_JOKE", `The database ${database} would be gone, with all that is in it.`, {
    hint: "Where this is meant:\n  wo drop --no-joke",
  });
}

/** In the server's spelling, sorted. */
function rolesToGo(tree: Tree, state: ObjectsState): string[] {
  const ids = [...state.recorded.keys(), ...tree.objects.keys()];
  const names = ids.flatMap((id) => {
    const name = nameOfId(id);
    return name?.type === "role" ? name.parts : [];
  });
  const there = names.filter((name) => state.existing.has(idOf({ type: "role", parts: [name] })));
  return [...new Set(there)].sort();
}

function namesOf(
  { connection }: WoSettings,
  roles: readonly string[],
  objects: readonly string[],
  isThere: boolean,
): string[] {
  if (!isThere) return [];
  return [
    `database ${connection.database} (${describeConnection(connection)})`,
    ...roles.map((role) => `role ${role}`),
    ...objects.map((id) => {
      const name = nameOfId(id);
      return name === null ? id : describeName(name);
    }),
  ];
}

/** What it owns goes to whoever drops, or with it: all of the database goes in a moment. */
async function dropRole(client: Client, name: string): Promise<void> {
  const role = quoteIdentifier(name);
  try {
    await client.query("BEGIN");
    const { rows } = await client.query<{ super: boolean }>(
      "SELECT rolsuper AS super FROM pg_catalog.pg_roles WHERE rolname = current_user",
    );
    if (rows[0]?.super !== true) await client.query(`GRANT ${role} TO CURRENT_USER`);
    await client.query(`REASSIGN OWNED BY ${role} TO CURRENT_USER`);
    await client.query(`DROP OWNED BY ${role} CASCADE`);
    await client.query(`DROP ROLE ${role}`);
    await client.query("COMMIT");
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    await client.query("ROLLBACK");
    const detail = error.detail === undefined ? "" : `\n  ${error.detail}`;
    throw new BlockedError("ROLE_STAYS", `The role ${name} cannot be dropped: ${error.message}.${detail}`, {
      hint: "Take away what it has in other databases, or take it out of the tree.",
      cause: error,
    });
  }
}
