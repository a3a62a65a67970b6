/** What a statement does to a database, collected while its parse tree is read. */
import type { DefElem, Node } from "libpg-query";
import type { Lock, LockMode } from "./lock.js";

/** The kinds of work, the dearer one last; `data` is work on rows, which no kind of statement bounds. */
export type WorkKind = "metadata" | "scan" | "rewrite" | "data";

export class Effect {
  readonly locks: Lock[] = [];
  readonly destroyed: string[] = [];
  readonly unclear: string[] = [];
  /** Why it may not run in a transaction; undefined where it may. */
  outside: string | undefined;
  /** For how long a setting that it changes holds. */
  setting: "session" | "transaction" | null = null;
  /** It reaches beyond its database. */
  serverWide = false;
  rewrites = false;
  scans = false;
  changesData = false;

  lock(mode: LockMode, ...objects: string[]): this {
    for (const object of objects) this.locks.push({ mode, object });
    return this;
  }

  scan(): this {
    this.scans = true;
    return this;
  }

  /** A table is also read from end to end when it is written anew. */
  rewrite(): this {
    this.rewrites = true;
    this.scans = true;
    return this;
  }

  data(): this {
    this.changesData = true;
    return this;
  }

  destroy(...objects: string[]): this {
    this.destroyed.push(...objects);
    return this;
  }

  /** Something that the server decides by what is in the database, so that the text cannot show it. */
  doubt(...notes: string[]): this {
    this.unclear.push(...notes);
    return this;
  }

  /** @param command the words by which the server's refusal calls it */
  refuseTransaction(command: string): this {
    this.outside = `${command} cannot run inside a transaction block`;
    return this;
  }

  get kind(): WorkKind {
    if (this.changesData) return "data";
    if (this.rewrites) return "rewrite";
    return this.scans ? "scan" : "metadata";
  }
}

/** Adds to the effect what one type of statement does. */
export type Reader = (node: Node, effect: Effect) => void;

/** The option of that name in a list such as `WITH (…)` or `VACUUM (…)`; the last one wins, as on the server. */
export function option(options: readonly Node[] | undefined, name: string): DefElem | undefined {
  return options
    ?.flatMap((node) => ("DefElem" in node ? [node.DefElem] : []))
    .findLast(({ defname, defnamespace }) => defname === name && defnamespace === undefined);
}

/** Whether a boolean option is on; given without a value it is. See defGetBoolean in PostgreSQL's define.c. */
export function isOn(options: readonly Node[] | undefined, name: string, unlessGiven = false): boolean {
  const given = option(options, name);
  if (given === undefined) return unlessGiven;
  const { arg } = given;
  if (arg === undefined) return true;
  if ("Integer" in arg) return arg.Integer.ival === 1;
  if ("Boolean" in arg) return arg.Boolean.boolval === true;
  return "String" in arg && /^(?:true|on)$/i.test(arg.String.sval ?? "");
}

/** The parts of a name that a `List` of `String` holds. */
export function namesOf(node: Node | undefined): string[] {
  if (node === undefined) return [];
  if ("String" in node) return [node.String.sval ?? ""];
  if ("TypeName" in node) return (node.TypeName.names ?? []).flatMap(namesOf);
  if ("ObjectWithArgs" in node) return (node.ObjectWithArgs.objname ?? []).flatMap(namesOf);
  return "List" in node ? (node.List.items ?? []).flatMap(namesOf) : [];
}
