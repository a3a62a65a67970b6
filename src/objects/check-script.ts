/** Whether a script makes the object that its file is named after, and no other. */
import { BlockedError } from "../errors.js";
import { describeName, type KindType, kindOf, type ObjectName } from "./kinds.js";
import type { Made } from "./made.js";
import type { ScriptFacts } from "./script.js";
import type { ObjectScript } from "./tree.js";

/** Kinds of their own that may stand in the script of another: what hangs on a table is often written beside it. */
const ALONG: Partial<Record<KindType, readonly KindType[]>> = {
  table: ["index", "constraint", "rule", "trigger", "policy", "sequence"],
  view: ["index", "rule", "trigger"],
  "materialized-view": ["index"],
  constraint: ["index"],
};

/** Kinds that a folder takes beside its own; a tree of wo 2.2.1 has no other place for them. */
const INSTEAD: Partial<Record<KindType, readonly KindType[]>> = {
  type: ["domain"],
  function: ["procedure", "aggregate"],
};

/**
 * Refuses a script that makes another object than its name says, or more than one, or controls the transaction.
 * What could not be parsed is left to the server.
 *
 * @param searchPath the first schema of it is where a name without one goes
 * @throws BlockedError `OBJECT_MISMATCH`, `OBJECT_SEVERAL`, `OBJECT_TRANSACTION`, with file and line
 */
export function checkScript(script: ObjectScript, facts: ScriptFacts, searchPath: readonly string[]): void {
  refuseTransactions(script.path, facts);
  if (!facts.parsed) return;
  const home = facts.settings.includes("search_path") ? null : (searchPath[0] ?? "public");
  const others = facts.makes.filter((made) => !isItself(script.name, made, home));
  const isMade = others.length < facts.makes.length;
  const [stranger] = others.filter((made) => !goesAlong(script.name, made));
  if (!isMade) throw mismatch(script, stranger ?? others[0], home);
  if (stranger === undefined) return;
  throw new BlockedError(
    "OBJECT_SEVERAL",
    `The script of ${describeName(script.name)} also makes ${describeMade(stranger)}.`,
    {
      where: `${script.path}:${stranger.line}`,
      hint: `Give it a file of its own in ${kindOf(stranger.type).directory}/.`,
    },
  );
}

/** Refuses BEGIN, COMMIT and their kin: a run is one transaction. @throws BlockedError `OBJECT_TRANSACTION` */
export function refuseTransactions(path: string, { controls }: ScriptFacts): void {
  const [line] = controls;
  if (line === undefined) return;
  throw new BlockedError("OBJECT_TRANSACTION", "The script begins or ends a transaction.", {
    where: `${path}:${line}`,
    hint: "Take the statement out: all of a run is one transaction, which ends with all done or nothing.",
  });
}

function isItself(name: ObjectName, made: Made, home: string | null): boolean {
  const types = [name.type, ...(INSTEAD[name.type] ?? [])];
  return types.includes(made.type) && isCalled(name, made, home);
}

function isCalled(name: ObjectName, made: Made, home: string | null): boolean {
  const parts = kindOf(name.type).parts;
  const isSame = (written: string | null, at: number) => {
    const wanted = name.parts[at];
    return written === wanted || written?.toLowerCase() === wanted;
  };
  return parts.every((part, at) => {
    if (part === "name") return isSame(made.name, at);
    if (part === "table") return isSame(made.table, at);
    if (made.schema === null && home === null) return true;
    return isSame(made.schema ?? home, at);
  });
}

function goesAlong(name: ObjectName, made: Made): boolean {
  const table = name.parts.at(-1);
  if (made.partitionOf !== null && name.type === "table")
    return made.partitionOf.toLowerCase() === table?.toLowerCase();
  const isPrerequisite = made.ifNotExists && (made.type === "schema" || made.type === "extension");
  return isPrerequisite || (ALONG[name.type] ?? []).includes(made.type);
}

function describeMade({ type, schema, table, name }: Made): string {
  if (name === "") return `a ${kindOf(type).sql.toLowerCase()} without a name`;
  return describeName({ type, parts: [schema, table, name].filter((part) => part !== null) });
}

function mismatch(
  script: ObjectScript,
  made: (Made & { readonly line: number }) | undefined,
  home: string | null,
): BlockedError {
  const wanted = describeName(script.name);
  if (made === undefined) {
    return new BlockedError("OBJECT_MISMATCH", `The script does not make the ${wanted} of its name.`, {
      where: script.path,
      hint: "Correct the file's name, or the script.",
    });
  }
  const goesTo = made.schema === null && home !== null && kindOf(made.type).parts.includes("schema");
  const place = goesTo
    ? ` A name without a schema goes to ${home}; WO_SEARCH_PATH says which schemas are searched.`
    : "";
  return new BlockedError(
    "OBJECT_MISMATCH",
    `The file is named for ${wanted}, and its script makes ${describeMade(made)}.`,
    { where: `${script.path}:${made.line}`, hint: `Correct the file's name, or the script.${place}` },
  );
}
