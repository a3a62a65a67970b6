/** Who may do what: GRANT and REVOKE, one privilege at a time. */
import { listAt, namesIn, stringAt, type TreeObject, unwrap } from "../tree.js";
import { isBefore, type RuleContext } from "./context.js";

export interface Privilege {
  readonly granted: boolean;
  /** Upper case, `ALL` for all that the kind of object has. */
  readonly privilege: string;
  /** Sorted; empty for the whole object. */
  readonly columns: readonly string[];
  /** A role's name, `PUBLIC`, or a keyword such as `CURRENT_USER`. */
  readonly grantee: string;
  readonly grantOption: boolean;
}

/** All that a table had before MAINTAIN came in 17. */
const ALL_BEFORE_17: readonly string[] = [
  "DELETE",
  "INSERT",
  "REFERENCES",
  "SELECT",
  "TRIGGER",
  "TRUNCATE",
  "UPDATE",
];

/**
 * On a server before 17 the seven privileges of a table are all there are, yet pg_dump 17 and later, which know
 * an eighth, write some of such grants as a list.
 * Bridges 16 and earlier, and 17 and later.
 */
export function allBefore17(names: readonly string[], context: RuleContext): readonly string[] {
  const isAll = isBefore(17, context) && names.toSorted().join() === ALL_BEFORE_17.join();
  return isAll ? ["ALL"] : names;
}

/** The privileges that one `GrantStmt` gives or takes. */
export function privilegesOf(statement: TreeObject, context: RuleContext): Privilege[] {
  const granted = statement.is_grant === true;
  const grantOption = statement.grant_option === true;
  const listed = listAt(statement, "privileges").map((node) => unwrap(node)[1]);
  const columnsOf = (access: TreeObject) => namesIn(listAt(access, "cols")).toSorted();
  const whole = listed.filter((access) => columnsOf(access).length === 0).map(privilegeName);
  const grants = [
    ...(listed.length === 0 ? ["ALL"] : allBefore17(whole, context)).map((privilege) => ({
      privilege,
      columns: columnsOf({}),
    })),
    ...listed
      .map((access) => ({ privilege: privilegeName(access), columns: columnsOf(access) }))
      .filter(({ columns }) => columns.length > 0),
  ];
  return listAt(statement, "grantees").flatMap((node) =>
    grants.map((grant) => ({ granted, ...grant, grantee: roleName(node), grantOption })),
  );
}

function privilegeName(access: TreeObject): string {
  return (stringAt(access, "priv_name") ?? "ALL").toUpperCase();
}

/** A role as statements name it. */
export function roleName(node: unknown): string {
  const [type, fields] = unwrap(node);
  const role = type === "RoleSpec" ? fields : node;
  return stringAt(role, "rolename") ?? (stringAt(role, "roletype") ?? "").replace("ROLESPEC_", "");
}

/**
 * What PUBLIC may do in the schema `public`, as one set. 15 took CREATE away from the default, and the pg_dump of
 * each version writes the difference from its own default, so neither the statements nor their absence mean the
 * same in all of them.
 * Bridges 14 and earlier, and 15 and later, of the server and of pg_dump.
 *
 * @param privileges those of PUBLIC on the schema `public`, in the order of the statements
 * @returns e.g. `CREATE, USAGE`, or an empty string when nothing is left
 */
export function publicSchemaPrivileges(privileges: readonly Privilege[]): string {
  // pg_dump 15 and later start from USAGE alone, and revoke just that before they grant.
  const startsFrom15 = privileges[0]?.granted === false && privileges[0].privilege === "USAGE";
  const held = new Set(startsFrom15 ? ["USAGE"] : ["CREATE", "USAGE"]);
  for (const { granted, privilege } of privileges) {
    for (const name of privilege === "ALL" ? ["CREATE", "USAGE"] : [privilege]) {
      if (granted) held.add(name);
      else held.delete(name);
    }
  }
  return [...held].toSorted().join(", ");
}

/** Whether a node is the schema `public`, in a `GrantStmt`. */
export function isOnPublicSchema(statement: TreeObject): boolean {
  const names = namesIn(listAt(statement, "objects"));
  return stringAt(statement, "objtype") === "OBJECT_SCHEMA" && names.length === 1 && names[0] === "public";
}
