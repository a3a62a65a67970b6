/** Roles: they are the server's, not the database's, and what they are granted goes with what it is granted on. Pure. */
import { BlockedError } from "../errors.js";
import { quoteIdentifier } from "../postgres/quote.js";
import { listAt, objectAt, stringAt, unwrap } from "../schema/tree.js";
import type { Decision, ReadScript } from "./decision.js";
import { idOf } from "./kinds.js";
import { orderObjects } from "./order.js";
import type { DropRun, PlannedStatement, ScriptRun, Step } from "./plan.js";
import { runOf } from "./runs.js";
import type { Membership, RoleFacts } from "./state.js";
import type { Standing } from "./verdicts.js";

interface RolesPlan {
  readonly steps: Step[];
  readonly blockers: BlockedError[];
  readonly notes: string[];
}

/**
 * Plans the roles, after all other objects are planned.
 *
 * A role whose script changed is dropped and made again; members that no script gave it stay. Where something is
 * granted to it in another database it cannot be dropped, and only what it is granted here is taken back and given
 * again. One that is on the server already is not made again either. The others get their grants again where what
 * they are granted on was made in this run.
 *
 * @param early ids of roles that were made earlier in this transaction, and lack their grants
 */
export function planRoles(decision: Decision, early: ReadonlySet<string>): RolesPlan {
  const plan = new RolesPlanner(decision, early);
  return plan.run();
}

class RolesPlanner {
  readonly #blockers: BlockedError[] = [];
  readonly #notes: string[] = [];

  constructor(
    private readonly decision: Decision,
    private readonly early: ReadonlySet<string>,
  ) {}

  run(): RolesPlan {
    const { decision } = this;
    const roles = [...decision.standings.values()].filter(({ name }) => name.type === "role");
    const going = roles.filter(({ verdict }) => verdict === "drop");
    const staying = roles.filter(({ id }) => decision.tree.objects.has(id));
    const steps = going.map((role) => this.#drop(role));
    if (!decision.isIdle) {
      const needs = new Map(staying.map(({ id }) => [id, decision.read(id).needs]));
      for (const id of orderObjects(needs, (role) => decision.pathOf(role)).ids) {
        const role = decision.standings.get(id);
        if (role === undefined) continue;
        const touches = [...decision.read(id).needs.keys()].filter((need) => need.startsWith("policy."));
        steps.push({ ...this.#make(role), touches });
      }
    }
    return { steps, blockers: this.#blockers, notes: this.#notes };
  }

  #facts({ name }: Standing): RoleFacts | undefined {
    return this.decision.state.dependents.roles.get(name.parts[0] ?? "");
  }

  #drop(role: Standing): Step {
    const { id, name } = role;
    const facts = this.#facts(role);
    if (facts !== undefined) this.#refuseOwner(id, facts);
    for (const policy of facts?.policies ?? []) {
      const isOnly = policy.roles.length === 1;
      const isScripted = this.decision.tree.objects.has(idOf({ type: "policy", parts: policy.parts }));
      if (isOnly && !isScripted) this.#refusePolicy(id, policy.parts);
    }
    const drops = facts === undefined ? [] : this.#takeBack(id, facts);
    const isShared = (facts?.elsewhere.length ?? 0) > 0;
    if (isShared) this.#notes.push(`${id} stays on the server: it is used in ${facts?.elsewhere.join(", ")}`);
    else drops.push(dropRole(id, name.parts[0] ?? ""));
    return { id, name, op: "drop", why: "its script is gone", drops, along: [] };
  }

  #make(role: Standing): Step {
    const { id, name, verdict } = role;
    const read = this.decision.read(id);
    const run = runOf(read.script.path, read.facts, false);
    if (verdict === "create") return { id, name, op: "create", why: "is not there", run };
    if (verdict === "adopt" && this.early.has(id))
      return { id, name, op: "create", why: "is not there", run: grantsOf(read) };
    if (verdict === "adopt") {
      this.#notes.push(`${id} is on the server already: it stays, and gets what its script grants`);
      return {
        id,
        name,
        op: "grant",
        why: "is on the server already",
        run: grantsOf(read),
        needs: [],
        always: true,
      };
    }
    if (verdict === "remake") return this.#remake(role, read, run);
    return {
      id,
      name,
      op: "grant",
      why: "what it is granted on was made again",
      run: grantsOf(read),
      needs: [...read.needs.keys()],
      always: false,
    };
  }

  #remake({ id, name, ...role }: Standing, read: ReadScript, run: ScriptRun): Step {
    const facts = this.#facts({ id, name, ...role });
    const why = "its script changed";
    if (facts === undefined)
      return { id, name, op: "remake", why, run, drops: [dropRole(id, name.parts[0] ?? "")], along: [] };
    this.#refuseOwner(id, facts);
    const drops = this.#takeBack(id, facts);
    if (facts.elsewhere.length > 0) {
      this.#notes.push(
        `${id} is used in ${facts.elsewhere.join(", ")} too: it is not made again, and only its grants here are`,
      );
      return { id, name, op: "remake", why, run: grantsOf(read), drops, along: [] };
    }
    const again = [...this.#memberships(id, facts), ...this.#policiesOf(facts)].map((sql) => ({
      sql,
      line: 1,
    }));
    const whole = { ...run, statements: [...run.statements, ...again] };
    return {
      id,
      name,
      op: "remake",
      why,
      run: whole,
      drops: [...drops, dropRole(id, facts.name)],
      along: [],
    };
  }

  /** Takes back what the role has in this database. A policy for it alone would go with that. */
  #takeBack(id: string, facts: RoleFacts): DropRun[] {
    const role = quoteIdentifier(facts.name);
    const alone = facts.policies.filter(({ roles }) => roles.length === 1);
    const { isSuperuser } = this.decision.state;
    return [
      ...(isSuperuser ? [] : [`GRANT ${role} TO CURRENT_USER`]),
      ...alone.map(({ parts }) => `ALTER POLICY ${onTable(parts)} TO PUBLIC`),
      `DROP OWNED BY ${role}`,
    ].map((sql) => ({ id, sql, path: null }));
  }

  /** Memberships that no script gave, old or new: somebody did it by hand, and it is to stay. */
  #memberships(id: string, facts: RoleFacts): string[] {
    const mentioned = this.#grantedWith(id, facts.name);
    const role = quoteIdentifier(facts.name);
    const grant = (what: string, to: string, { admin }: Membership) =>
      `GRANT ${what} TO ${to}${admin ? " WITH ADMIN OPTION" : ""}`;
    const isByHand = ({ role: other }: Membership) =>
      !mentioned.has(other) && !this.#isGoing(other) && other !== this.decision.state.role;
    return [
      ...facts.memberOf.filter(isByHand).map((one) => grant(quoteIdentifier(one.role), role, one)),
      ...facts.members.filter(isByHand).map((one) => grant(role, quoteIdentifier(one.role), one)),
    ];
  }

  #isGoing(role: string): boolean {
    return this.decision.isGoing(idOf({ type: "role", parts: [role] }));
  }

  /**
   * Roles that the old script said a membership with, or the scripts that run again say one with. That does not go
   * for what another role was made with: its own making does not run again.
   */
  #grantedWith(id: string, name: string): Set<string> {
    const { tree, state } = this.decision;
    const scripts = [...tree.objects.values()].filter((one) => one.name.type === "role");
    const roles = new Set<string>();
    for (const script of [{ id, text: state.dependents.scripts.get(id) ?? "" }, ...scripts]) {
      for (const statement of this.decision.parseAll(script.text)) {
        const [type, fields] = unwrap(statement);
        if (type !== "GrantRoleStmt" && (type !== MAKING || script.id !== id)) continue;
        const named = [...rolesOf(fields), stringAt(fields, "role") ?? ""];
        if (named.includes(name)) for (const other of named) roles.add(other);
      }
    }
    return roles;
  }

  /** Policies without a script keep their roles; those with one have them from the scripts of roles. */
  #policiesOf({ policies }: RoleFacts): string[] {
    const unscripted = policies.filter(
      ({ parts }) => !this.decision.tree.objects.has(idOf({ type: "policy", parts })),
    );
    return unscripted.map(
      ({ parts, roles }) => `ALTER POLICY ${onTable(parts)} TO ${roles.map(quoteIdentifier).join(", ")}`,
    );
  }

  #refuseOwner(id: string, { name, owns }: RoleFacts): void {
    if (owns.length === 0) return;
    const role = quoteIdentifier(name);
    this.#blockers.push(
      new BlockedError(
        "ROLE_OWNS",
        `The role ${name} would have to be dropped, and it owns:\n${owns.map((one) => `  ${one}`).join("\n")}`,
        {
          where: this.decision.pathOf(id),
          hint: `Give what it owns to another role:\n  REASSIGN OWNED BY ${role} TO ${quoteIdentifier(this.decision.state.role)};`,
        },
      ),
    );
  }

  #refusePolicy(id: string, parts: readonly string[]): void {
    const name = idOf({ type: "policy", parts });
    this.#blockers.push(
      new BlockedError("ROLE_NEEDED", `The role of ${id} cannot go: ${name} is for it alone.`, {
        where: this.decision.pathOf(id),
        hint: "Alter or drop the policy first.",
      }),
    );
  }
}

function rolesOf(fields: unknown): string[] {
  const specs = [...listAt(fields, "grantee_roles")];
  for (const node of listAt(fields, "options"))
    specs.push(...listAt(objectAt(objectAt(objectAt(node, "DefElem"), "arg"), "List"), "items"));
  const granted = listAt(fields, "granted_roles").map((node) =>
    stringAt(objectAt(node, "AccessPriv"), "priv_name"),
  );
  const grantees = specs.map((node) => stringAt(objectAt(node, "RoleSpec"), "rolename"));
  return [...granted, ...grantees].filter((name) => name !== undefined);
}

/** `name ON schema.table` */
function onTable([schema = "", table = "", name = ""]: readonly string[]): string {
  return `${quoteIdentifier(name)} ON ${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
}

function dropRole(id: string, name: string): DropRun {
  return { id, sql: `DROP ROLE ${quoteIdentifier(name)}`, path: null };
}

/** A role's script without what makes the role. */
function grantsOf(read: ReadScript): ScriptRun {
  return partOf(read, (type) => type !== MAKING);
}

/** Of a role's script what makes the role. */
export function makingOf(read: ReadScript): ScriptRun {
  return partOf(read, (type) => type === MAKING);
}

const MAKING = "CreateRoleStmt";

function partOf({ script, facts }: ReadScript, counts: (type: string) => boolean): ScriptRun {
  const statements: PlannedStatement[] = facts.statements
    .filter(({ type }) => counts(type))
    .map(({ sql, line }) => ({ sql, line }));
  return { ...runOf(script.path, facts, false), statements };
}
