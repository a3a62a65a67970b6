/** What is said about an object beside its creation: comments, privileges, defaults, constraints, indexes. */
import type { AlterTableCmd } from "libpg-query";
import type { Parser } from "../../schema/parser.js";
import { relationSql } from "./names.js";
import { type Stated, tokensOf } from "./stated.js";
import { undoing } from "./undo.js";
import { type Attempt, onlyBy } from "./written.js";

/** What changes some statements about an object into others. */
export function changeAttached(
  about: string,
  before: readonly Stated[],
  after: readonly Stated[],
  parser: Parser,
): Attempt[] {
  const gone = without(before, after);
  const come = without(after, before);
  const replaced = new Set<Stated>();
  const makes = come.map((stated) => {
    const slot = slotOf(stated, parser);
    const old = slot === null ? undefined : gone.find((other) => slotOf(other, parser)?.key === slot.key);
    if (old === undefined || slot === null) return onlyBy(about, stated.text);
    replaced.add(old);
    const undone = slot.isOverwritten ? null : undoing(old, parser);
    return onlyBy(about, ...(undone === null ? [] : [undone]), stated.text);
  });
  const undoes = gone
    .filter((stated) => !replaced.has(stated))
    .toReversed()
    .flatMap((stated) => {
      const undone = undoing(stated, parser);
      return undone === null ? [] : [onlyBy(about, undone)];
    });
  return [...undoes, ...makes];
}

function without(some: readonly Stated[], others: readonly Stated[]): Stated[] {
  const texts = new Set(others.map(({ text }) => text));
  return some.filter(({ text }) => !texts.has(text));
}

/** What there can be only one of, and whether a second one takes the place of the first. */
interface Slot {
  readonly key: string;
  readonly isOverwritten: boolean;
}

function slotOf({ text, node }: Stated, parser: Parser): Slot | null {
  if ("CommentStmt" in node || "SecLabelStmt" in node) {
    const value = tokensOf(text, parser).at(-1);
    return { key: text.slice(0, value?.start), isOverwritten: true };
  }
  if ("IndexStmt" in node) return { key: `index ${node.IndexStmt.idxname}`, isOverwritten: false };
  if ("AlterTableStmt" in node) {
    const { cmds, relation } = node.AlterTableStmt;
    const [command, ...others] = (cmds ?? []).flatMap((each) =>
      "AlterTableCmd" in each ? [each.AlterTableCmd] : [],
    );
    if (command === undefined || others.length > 0) return null;
    const slot = slotOfCommand(command);
    return slot === null ? null : { ...slot, key: `${relationSql(relation)} ${slot.key}` };
  }
  if ("AlterSeqStmt" in node) return { key: relationSql(node.AlterSeqStmt.sequence), isOverwritten: true };
  if ("AlterStatsStmt" in node || "AlterEventTrigStmt" in node)
    return { key: Object.keys(node).join(), isOverwritten: true };
  return null;
}

/** Settings of which the later one wins, by what they are of. */
const SETTINGS: ReadonlyMap<string, string> = new Map([
  ["AT_ColumnDefault", "default"],
  ["AT_SetStatistics", "statistics"],
  ["AT_SetStorage", "storage"],
  ["AT_SetCompression", "compression"],
  ["AT_ReplicaIdentity", "replica identity"],
  ["AT_ClusterOn", "cluster"],
  ["AT_SetAccessMethod", "access method"],
  ["AT_EnableAlwaysTrig", "trigger"],
  ["AT_EnableReplicaTrig", "trigger"],
  ["AT_DisableTrig", "trigger"],
  ["AT_EnableAlwaysRule", "rule"],
  ["AT_EnableReplicaRule", "rule"],
  ["AT_DisableRule", "rule"],
]);

function slotOfCommand({ subtype, name, def }: AlterTableCmd): Slot | null {
  const setting = SETTINGS.get(subtype ?? "");
  if (setting !== undefined) return { key: `${setting} ${name}`, isOverwritten: true };
  if (subtype === "AT_AddConstraint" && def !== undefined && "Constraint" in def)
    return { key: `constraint ${def.Constraint.conname}`, isOverwritten: false };
  return subtype === "AT_SetOptions" ? { key: `options ${name}`, isOverwritten: false } : null;
}
