/** Several shadows at once on one server, and copies of them. */
import { type Client, type ConnectionSettings, connect, withClient } from "./connection.js";
import {
  clearLeft,
  dropShadow,
  loadShadow,
  makeRoles,
  makeShadow,
  type ShadowLoad,
  shadowName,
} from "./shadow.js";
import type { ShadowServer } from "./shadow-servers.js";

/**
 * A place to try things in: shadows are made in it as they are needed, and all of them are dropped when it closes.
 * Their names are locked by its session, as those of other shadows are, so that what a killed process leaves is found
 * by the next.
 */
export class Workshop {
  readonly #shadows = new Set<string>();

  private constructor(
    readonly server: ShadowServer,
    private readonly admin: Client,
  ) {}

  static async open(server: ShadowServer): Promise<Workshop> {
    const admin = await connect(server.connection);
    try {
      await clearLeft(server, admin);
    } catch (error) {
      await admin.end();
      throw error;
    }
    return new Workshop(server, admin);
  }

  /** An empty shadow. */
  empty(): Promise<ConnectionSettings> {
    return this.#make("template0");
  }

  /** A copy of a shadow to which nobody is connected. */
  copyOf(shadow: ConnectionSettings): Promise<ConnectionSettings> {
    return this.#make(shadow.database ?? "");
  }

  /** Makes the roles that the server lacks; it is to be one that is thrown away. */
  makeRoles(names: readonly string[]): Promise<void> {
    return makeRoles(this.admin, names);
  }

  /** Runs SQL in a shadow. @throws BlockedError `SHADOW_REFUSED` */
  load(shadow: ConnectionSettings, load: ShadowLoad): Promise<void> {
    return withClient(shadow, (client) => loadShadow(this.server, client, load));
  }

  async drop({ database = "" }: ConnectionSettings): Promise<void> {
    if (this.#shadows.delete(database)) await dropShadow(this.admin, database);
  }

  /** Drops all shadows that are left. */
  async close(): Promise<void> {
    try {
      for (const name of this.#shadows) await dropShadow(this.admin, name);
    } finally {
      await this.admin.end();
    }
  }

  async #make(template: string): Promise<ConnectionSettings> {
    const name = shadowName();
    await makeShadow(this.admin, name, template);
    this.#shadows.add(name);
    return { ...this.server.connection, database: name };
  }
}
