/** What there is going to be when the scripts of `create/` have made a database. */
import { idOf } from "../../objects/kinds.js";
import { madeBy } from "../../objects/made.js";
import { withDependents } from "../../objects/read-state.js";
import { readScriptFacts, type Statement } from "../../objects/script.js";
import {
  type Existing,
  isInEveryDatabase,
  NOTHING,
  type ObjectsState,
  readBase,
} from "../../objects/state.js";
import type { Tree } from "../../objects/tree.js";
import type { ConnectionSettings } from "../../postgres/connection.js";
import { loadParser } from "../../schema/parser.js";
import { listAt, objectAt, stringAt, unwrap } from "../../schema/tree.js";
import { asAdmin } from "./database.js";
import { putParameters, type WoSettings } from "./settings.js";

export interface NewDatabase {
  readonly state: ObjectsState;
  /** The database that it will be a copy of; null for `template0`, in which there is nothing and nobody may look. */
  readonly template: ConnectionSettings | null;
}

/**
 * Reads the scripts of `create/`, and what their database will have from the server and its template.
 *
 * @throws ConfigError `WO_VARIABLE` for what the scripts cannot be told; DatabaseError
 */
export async function foreseeDatabase(tree: Tree, settings: WoSettings): Promise<NewDatabase> {
  const parser = await loadParser();
  const statements = tree.create.flatMap(
    ({ path, text }) => readScriptFacts(parser, putParameters(text, path, settings)).statements,
  );
  const name = templateOf(statements, settings.connection.database);
  const template = name === "template0" ? null : { ...settings.admin, database: name };
  const state =
    template === null
      ? blank(await asAdmin(settings, readBase))
      : await asAdmin({ admin: template }, async (client) =>
          withDependents(client, tree, await readBase(client)),
        );
  const existing = new Map([...state.existing, ...rolesMadeBy(statements)]);
  return { state: { ...state, existing, role: settings.connection.user }, template };
}

/** The one of the statement that makes the database; where there is none, nobody knows. */
function templateOf(statements: readonly Statement[], database: string): string {
  const [making] = statements
    .map(({ tree }) => unwrap(tree))
    .filter(([type, fields]) => type === "CreatedbStmt" && stringAt(fields, "dbname") === database);
  if (making === undefined) return "template0";
  const options = listAt(making[1], "options").map((node) => objectAt(node, "DefElem"));
  const template = options.find((option) => stringAt(option, "defname") === "template");
  return stringAt(objectAt(objectAt(template, "arg"), "String"), "sval") ?? "template1";
}

/** Of a database's state what is the server's, and what every database has. */
function blank({ existing }: ObjectsState): ObjectsState {
  return { ...NOTHING, existing: new Map([...existing].filter(([id]) => isInEveryDatabase(id))) };
}

function rolesMadeBy(statements: readonly Statement[]): [string, Existing[]][] {
  const made = statements.flatMap(({ tree }) => madeBy(tree)).filter(({ type }) => type === "role");
  return made.map(({ name }) => {
    const role = { type: "role", parts: [name] } as const;
    return [idOf(role), [{ name: role, classId: 0, objectId: 0 }]];
  });
}
