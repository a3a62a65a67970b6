/** Reconciling the objects around the statements of a deploy, on the stage as on a shadow. */
import { applyObjects, applyPrelude, type Done } from "../../objects/apply.js";
import { planObjects } from "../../objects/decide.js";
import { planEarlyRoles } from "../../objects/early-roles.js";
import { alteredBy, planDrops } from "../../objects/migrations.js";
import type { ObjectsPlan } from "../../objects/plan.js";
import { readState } from "../../objects/read-state.js";
import { runScript } from "../../objects/run-script.js";
import type { ObjectsState } from "../../objects/state.js";
import type { Script } from "../../objects/tree.js";
import type { Client } from "../../postgres/connection.js";
import type { Part } from "../../stage/plan.js";
import type { AroundStatements } from "../../stage/statements.js";
import type { ObjectScripts } from "./scripts.js";

export interface AroundOptions {
  /** Told what is being done, e.g. `view.shop.ratings`. */
  readonly progress?: ((doing: string) => void) | undefined;
  /** As `ObjectsState.asScripted`; none unless given. */
  readonly asScripted?: ReadonlySet<string> | undefined;
}

/** What came of the last run. */
export interface ObjectsOutcome {
  readonly plan: ObjectsPlan;
  readonly done: readonly Done[];
  /** Ids of what was dropped so that deltas could run. */
  readonly dropped: readonly string[];
}

/**
 * What is done beside the statements of a plan: what scripts can make again, and deltas would be refused for, is
 * dropped before them; after them the database is brought to the scripts, with the bookkeeping. An archived schema may
 * name roles that scripts make: they are there when it is loaded. Every transaction may be tried again.
 */
export class ObjectsAround implements AroundStatements {
  readonly #dropped = new Set<string>();
  #earlyRoles: ReadonlySet<string> = new Set();
  #ran = false;
  #outcome: ObjectsOutcome | null = null;

  constructor(
    private readonly scripts: ObjectScripts,
    private readonly options: AroundOptions = {},
  ) {}

  /** null before the end. */
  get outcome(): ObjectsOutcome | null {
    return this.#outcome;
  }

  async before(part: Part, client: Client): Promise<void> {
    this.#ran = true;
    await this.#makeRoom(part, client);
    if (part.version.how === "loaded") await this.#makeRoles(client);
  }

  async #makeRoom(part: Part, client: Client): Promise<void> {
    const { tree, searchPath } = this.scripts;
    const scripts = scriptsOf(part);
    if (tree.initial.length === 0 && (await alteredBy(scripts)).length === 0) return;
    const state = this.#with(await readState(client, tree, { scripts, searchPath }));
    const { bookkeeping, initial } = await planObjects(tree, state, { searchPath });
    const before = await planDrops(tree, state, scripts, searchPath);
    for (const { id } of before) this.#dropped.add(id);
    if (initial.length + before.length === 0) return;
    await applyPrelude(client, { bookkeeping, initial, before, migrations: [] }, this.options);
  }

  #with(state: ObjectsState): ObjectsState {
    return { ...state, asScripted: this.options.asScripted ?? state.asScripted };
  }

  async #makeRoles(client: Client): Promise<void> {
    const { tree, searchPath } = this.scripts;
    const roles = await planEarlyRoles(tree, await readState(client, tree), searchPath);
    for (const { run } of roles) await runScript(client, run);
    this.#earlyRoles = new Set(roles.map(({ id }) => id));
  }

  async after(client: Client): Promise<void> {
    const { tree, searchPath } = this.scripts;
    const state = this.#with(await readState(client, tree));
    const plan = await planObjects(tree, state, {
      searchPath,
      afterPrelude: this.#ran,
      earlyRoles: this.#earlyRoles,
    });
    const done = await applyObjects(client, plan, this.options);
    this.#outcome = { plan, done, dropped: [...this.#dropped] };
  }
}

/** The statements of a part. An archived schema alters nothing that is there. */
function scriptsOf({ version, from, to }: Part): Script[] {
  if (version.how === "loaded") return [];
  return version.statements
    .slice(from, to)
    .map(({ text, line }) => ({ id: version.version, path: `${version.file}:${line}`, text }));
}
