/** `wo drop --no-joke`: the whole database is gone, and its roles. */
import { DatabaseError as ServerError } from "pg";
import { BlockedError } from "../../errors.js";
import { describeName, idOf, nameOfId } from "../../objects/kinds.js";
import { type ObjectsState, readBase } from "../../objects/state.js";
import { readTree, type Tree } from "../../objects/tree.js";
import { type Client, describeConnection } from "../../postgres/connection.js";
import { quoteIdentifier } from "../../postgres/quote.js";
import { isLost } from "../../stage/failures.js";
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
  const progress = options.progress ?? (() => undefined);
  const client = await openDatabase(settings);
  let gone: Gone = { roles: [], objects: [] };
  try {
    if (client !== null) gone = goneWith(tree, await readBase(client));
    options.announce?.(client === null ? [] : namesOf(settings, gone));
    refuseJoke(settings, options.noJoke === true);
    if (client !== null) await dropRoles(client, gone.roles, progress);
  } finally {
    // The scripts drop a database that nobody uses.
    await client?.end();
  }
  await runAsAdmin(tree.drop, settings, progress);
  return {
    database: settings.connection.database,
    target: describeConnection(settings.connection),
    dropped: client !== null,
    ...gone,
    scripts: tree.drop.map(({ path }) => path),
    notes: [...tree.notes],
  };
}

/** What goes with a database. */
interface Gone {
  /** In the server's spelling, sorted. */
  readonly roles: string[];
  /** Ids of what is recorded, the roles aside. */
  readonly objects: string[];
}

function goneWith(tree: Tree, state: ObjectsState): Gone {
  const objects = [...state.recorded.keys()].filter((id) => !id.startsWith("role."));
  return { roles: rolesToGo(tree, state), objects };
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

function namesOf({ connection }: WoSettings, { roles, objects }: Gone): string[] {
  return [
    `database ${connection.database} (${describeConnection(connection)})`,
    ...roles.map((role) => `role ${role}`),
    ...objects.map((id) => {
      const name = nameOfId(id);
      return name === null ? id : describeName(name);
    }),
  ];
}

async function dropRoles(
  client: Client,
  roles: readonly string[],
  progress: (doing: string) => void,
): Promise<void> {
  await lockDatabase(client, 0, () => undefined);
  for (const role of roles) {
    progress(`role ${role}`);
    await dropRole(client, role);
  }
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
    if (!(error instanceof ServerError) || isLost(error)) throw error;
    await client.query("ROLLBACK");
    const detail = error.detail === undefined ? "" : `\n  ${error.detail}`;
    throw new BlockedError("ROLE_STAYS", `The role ${name} cannot be dropped: ${error.message}.${detail}`, {
      hint: "Take away what it has in other databases, or take it out of the tree.",
      cause: error,
    });
  }
}
