/** Cutting a path's statements into transactions, as few as can be. */
import type { Node } from "libpg-query";
import type { Parser } from "../../schema/parser.js";
import { type StatementFacts, statementFacts } from "../facts.js";
import type { Statement } from "../report.js";
import { EnumValues } from "./enum-values.js";

/** The version that the parser knows. */
const NEWEST = 180_000;

/** Statements that are carried out together. */
export interface Segment<S> {
  /** They share a transaction; otherwise it is one statement that runs outside of any. */
  readonly transaction: boolean;
  readonly statements: readonly S[];
  /** Why it is cut off from what is before it; null for the first where nothing asks for it. */
  readonly why: string | null;
}

/**
 * Cuts statements into segments, as few as can be: runs of those that may share a transaction, and each one that
 * may not on its own. Statements of several versions may be given as one list; they may carry more than `text`.
 *
 * What runs code (`CALL`, functions) may commit or use an enum's new value without showing it; such statements are
 * taken to do neither, and the server refuses them (2D000, 55P04) where they do.
 *
 * @param statements with their facts where these are known already
 * @param serverVersion `server_version_num` of the server that is to carry them out
 * @example
 * segmentsOf(statements, parser).length; // 1: everything fits into one transaction
 */
export function segmentsOf<S extends Pick<Statement, "text"> & { readonly facts?: StatementFacts }>(
  statements: readonly S[],
  parser: Parser,
  serverVersion = NEWEST,
): Segment<S>[] {
  const segments: Segment<S>[] = [];
  let run: S[] = [];
  let enums = new EnumValues(serverVersion);
  let reason: string | null = null;
  const endRun = (next: string | null) => {
    if (run.length > 0) segments.push({ transaction: true, statements: run, why: reason });
    run = [];
    enums = new EnumValues(serverVersion);
    reason = next;
  };
  for (const statement of statements) {
    const { why } = statement.facts ?? statementFacts(statement, parser);
    if (why !== undefined) {
      endRun(null);
      segments.push({ transaction: false, statements: [statement], why });
      reason = `after a statement of its own: ${why}`;
      continue;
    }
    const nodes = nodesOf(statement, parser);
    const used = nodes.map((node) => enums.usedBy(node)).find((use) => use !== null);
    if (used) endRun(`uses '${used.value}', which the transaction before it adds to ${used.type}`);
    for (const node of nodes) enums.note(node);
    run.push(statement);
  }
  endRun(null);
  return segments;
}

function nodesOf({ text }: Pick<Statement, "text">, parser: Parser): Node[] {
  return (parser.parse(text).stmts ?? []).flatMap(({ stmt }) => (stmt === undefined ? [] : [stmt]));
}
