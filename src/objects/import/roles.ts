/** Which script a privilege stands in: a role's own, or that of the object where the role has no script. */
import type { Parser } from "../../schema/parser.js";
import { roleName } from "../../schema/rules/privileges.js";
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { isTreeObject, listAt, numberAt, objectAt, stringAt } from "../../schema/tree.js";
import type { Groups } from "./script.js";
import { optionIn } from "./sequences.js";
import { SqlText } from "./text.js";

/** What a server says of a role, and no dump tells. */
export interface ServerRole {
  /** As CREATE ROLE takes them, e.g. `LOGIN`. */
  readonly attributes: readonly string[];
  readonly isSuperuser: boolean;
  readonly memberOf: readonly Membership[];
  /** Settings of the role as ALTER ROLE takes them, e.g. `SET work_mem TO '1MB'`. */
  readonly settings: readonly string[];
  /** As a string constant; null for none. */
  readonly comment: string | null;
}

export interface Membership {
  readonly role: string;
  /** What stands behind GRANT, e.g. `WITH ADMIN OPTION`; mostly empty. */
  readonly options: string;
}

/** The text in scripts that the prefix of role names is put in for. */
export const PREFIX_TEXT = "{wo_role_prefix}";

/** Roles that the server has by itself, or from initdb. */
const OF_THE_SERVER = /^(?:pg_.*|postgres)$/;

const PUBLIC = "PUBLIC";

interface RoleGroups {
  readonly grants: string[];
  readonly policies: string[];
  readonly mappings: string[];
  readonly defaults: string[];
}

/** Everything that is said about roles, sorted by the script that it belongs to. */
export class RoleScripts {
  /** Roles that are not the project's, by their names: they have no script. */
  readonly strangers = new Set<string>();
  /** Objects whose owner has given up privileges. */
  readonly bareOwners: string[] = [];
  private readonly roles = new Map<string, RoleGroups>();

  /**
   * @param prefix what the names of the project's roles begin with; empty where all are the project's
   * @param facts of roles on the server, by name
   */
  constructor(
    private readonly parser: Parser,
    private readonly prefix: string,
    private readonly facts: ReadonlyMap<string, ServerRole>,
  ) {
    // A role under the prefix is the project's, even if nothing is granted to it.
    if (prefix !== "") for (const role of facts.keys()) if (this.isOwn(role)) this.of(role);
  }

  /** Whether a role has a script in the tree. */
  isOwn(role: string): boolean {
    const isOther = role === PUBLIC || OF_THE_SERVER.test(role) || this.facts.get(role)?.isSuperuser === true;
    return !isOther && role.startsWith(this.prefix) && role !== this.prefix;
  }

  /**
   * Takes the GRANTs and REVOKEs of one object.
   *
   * @returns those that stand in the object's own script
   */
  addGrants(grants: readonly DumpStatement[]): string[] {
    const revoked = grants.filter(({ tree }) => tree.is_grant !== true).flatMap(granteesOf);
    // pg_dump takes privileges from PUBLIC and from an object's owner only, and says then what is left.
    const owners = new Set(revoked.filter((role) => role !== PUBLIC));
    if (owners.size > 0) this.bareOwners.push(grants[0]?.entry.name ?? "");
    const own: string[] = [];
    for (const grant of grants) {
      const [role = PUBLIC] = granteesOf(grant);
      const text = this.rewritten(grant, (name) => (owners.has(name) ? "CURRENT_USER" : null));
      if (this.isOwn(role) && !owners.has(role)) this.of(role).grants.push(text);
      else own.push(text);
      if (!owners.has(role)) this.meet(role);
    }
    return own;
  }

  /**
   * Takes the roles out of a policy's script, into that of the last of them: there all of them are.
   *
   * @returns the statement that makes the policy
   */
  addPolicy(statement: DumpStatement): string {
    const { sql, tree, start } = statement;
    const roles = listAt(tree, "roles")
      .map(roleName)
      .filter((role) => role !== PUBLIC);
    for (const role of roles) this.meet(role);
    const last = roles
      .filter((role) => this.isOwn(role))
      .sort()
      .at(-1);
    if (last === undefined) return sql;
    const text = new SqlText(this.parser, sql);
    const places = rolePlaces(tree).map(({ location }) => location - start);
    const first = text.tokens.findIndex((token) => token.start === Math.min(...places));
    const before = text.tokens[first - 2]?.end ?? 0;
    const end = text.tokens.find((token) => token.start === Math.max(...places))?.end ?? 0;
    const table = numberAt(objectAt(tree, "table"), "location") - start;
    const at = text.tokens.findIndex((token) => token.start === table);
    const policy = text.slice(text.tokens[2]?.start ?? 0, text.tokens[at + 2]?.end);
    const list = roles.sort().map((role) => this.written(role));
    this.of(last).policies.push(`ALTER POLICY ${policy} TO ${list.join(", ")}`);
    return text.with([{ start: before, end, text: "" }]);
  }

  /**
   * Takes ALTER DEFAULT PRIVILEGES. What they are for, the objects of whoever owns most, is left unsaid: in the
   * tree that is whoever migrates.
   *
   * @param isLast whether all of them have to come after the roles, since more objects do
   * @returns those that belong to no role's script; they come last, as they hold for what is made after them
   */
  addDefaultPrivileges(statements: readonly DumpStatement[], isLast: boolean): string[] {
    const owners = statements.flatMap(ownersOf);
    const counts = new Map(owners.map((owner) => [owner, owners.filter((one) => one === owner).length]));
    const [main] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))[0] ?? [];
    const rest: string[] = [];
    for (const statement of statements) {
      const [role = PUBLIC] = granteesOf({ tree: objectAt(statement.tree, "action") });
      const [owner = ""] = ownersOf(statement);
      if (owner !== main) this.meet(owner);
      const name = (one: string) => (one === main ? "CURRENT_USER" : null);
      const text = this.rewritten(statement, name).replace(" FOR ROLE CURRENT_USER", "");
      if (isLast || role === main || !this.isOwn(role)) rest.push(text);
      else this.of(role).defaults.push(text);
      if (role !== main) this.meet(role);
    }
    return rest;
  }

  /** Takes a user mapping. A role's script is run again where the role is there already, and so is this. */
  addMapping(role: string, statement: DumpStatement): void {
    const sql = this.rewritten(statement, () => null);
    this.of(role).mappings.push(sql.replace(/^CREATE USER MAPPING /, "CREATE USER MAPPING IF NOT EXISTS "));
  }

  /** Each role's name in the tree, without the prefix, and the groups of its script; sorted by name. */
  scripts(): { readonly name: string; readonly groups: Groups }[] {
    // A set hands out what is added to it while it is gone through.
    for (const role of this.roles.keys())
      for (const { role: of } of this.facts.get(role)?.memberOf ?? []) this.meet(of);
    return [...this.roles]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([role, { grants, policies, mappings, defaults }]) => ({
        name: role.slice(this.prefix.length),
        groups: [...this.making(role), grants, policies, mappings, defaults],
      }));
  }

  /** The roles that have scripts, by their names on the server. */
  names(): string[] {
    return [...this.roles.keys()].sort();
  }

  /** What makes a role and says what it is. */
  private making(role: string): Groups {
    const name = this.written(role);
    const { attributes = [], memberOf = [], settings = [], comment = null } = this.facts.get(role) ?? {};
    return [
      [["CREATE ROLE", name, ...attributes].join(" ")],
      settings.map((setting) => `ALTER ROLE ${name} ${setting}`),
      comment === null ? [] : [`COMMENT ON ROLE ${name} IS ${comment}`],
      memberOf.map(
        ({ role: of, options }) => `GRANT ${this.written(of)} TO ${name}${options && ` ${options}`}`,
      ),
    ];
  }

  private of(role: string): RoleGroups {
    const known = this.roles.get(role);
    if (known !== undefined) return known;
    const groups: RoleGroups = { grants: [], policies: [], mappings: [], defaults: [] };
    this.roles.set(role, groups);
    return groups;
  }

  /** Notes a role that is spoken of: it gets a script, or is named as a stranger. */
  private meet(role: string): void {
    if (this.isOwn(role)) this.of(role);
    else if (role !== PUBLIC && role !== "" && !OF_THE_SERVER.test(role)) this.strangers.add(role);
  }

  /** A role's name as scripts write it. */
  private written(role: string): string {
    const name = this.isOwn(role) ? role.slice(this.prefix.length) : role;
    const prefix = this.isOwn(role) ? PREFIX_TEXT : "";
    return isPlain(this.parser, name) ? `${prefix}${name}` : `"${prefix}${name.replaceAll('"', '""')}"`;
  }

  /** A statement with the project's roles under their prefix. @param other what else takes a role's place */
  private rewritten({ sql, tree, start }: DumpStatement, other: (role: string) => string | null): string {
    const text = new SqlText(this.parser, sql);
    const edits = rolePlaces(tree).flatMap(({ role, location }) => {
      const token = text.tokenAt(location - start);
      const name = other(role) ?? this.written(role);
      return token === undefined ? [] : [{ start: token.start, end: token.end, text: name }];
    });
    return text.with(edits);
  }
}

/** Whether a name needs no quotes, with the prefix in front or without. */
function isPlain(parser: Parser, name: string): boolean {
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) return false;
  return parser.scan(name).tokens[0]?.keywordName !== "RESERVED_KEYWORD";
}

function granteesOf({ tree }: Pick<DumpStatement, "tree">): string[] {
  return listAt(tree, "grantees").map(roleName);
}

/** For whose objects default privileges are. */
function ownersOf({ tree }: DumpStatement): string[] {
  return listAt(objectAt(optionIn(listAt(tree, "options"), "roles"), "List"), "items").map(roleName);
}

/** Where a statement names roles; places are those of the tree. */
function rolePlaces(tree: unknown): { readonly role: string; readonly location: number }[] {
  if (Array.isArray(tree)) return tree.flatMap(rolePlaces);
  if (!isTreeObject(tree)) return [];
  const role = stringAt(tree, "rolename");
  if (role !== undefined && stringAt(tree, "roletype") === "ROLESPEC_CSTRING")
    return [{ role, location: numberAt(tree, "location") }];
  return Object.values(tree).flatMap(rolePlaces);
}
