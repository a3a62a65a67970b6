/**
 * The canonical form of a parse tree: its JSON without places and spellings, the rules applied. Keys stand in the
 * order of the parser's own definitions, which is fixed for a version of the parser.
 */

import type { Rule, RuleContext } from "./rules/context.js";
import {
  identityDefaults,
  multirangeName,
  notNullName,
  parameterMode,
  policyRoles,
  sequenceDefaults,
} from "./rules/definitions.js";
import { castOfArray } from "./rules/expressions.js";
import {
  extractBefore14,
  implicitCastBefore14,
  systemFunctionName,
  wordArguments,
} from "./rules/functions.js";
import { isTreeObject, type TreeObject } from "./tree.js";

/** The rules by the type of node they look at. The first one that answers is applied, then all are asked again. */
const RULES: ReadonlyMap<string, readonly Rule[]> = new Map([
  ["Constraint", [notNullName, identityDefaults]],
  ["CreatePolicyStmt", [policyRoles]],
  ["CreateRangeStmt", [multirangeName]],
  ["CreateSeqStmt", [sequenceDefaults]],
  ["FuncCall", [systemFunctionName, implicitCastBefore14, extractBefore14, wordArguments]],
  ["FunctionParameter", [parameterMode]],
  ["TypeCast", [castOfArray]],
]);

/** Where a node stood in the text, and how a call was spelled: nothing of what it means. */
const SPELLING: ReadonlySet<string> = new Set([
  "location",
  "name_location",
  "type_location",
  "list_start",
  "list_end",
  "rexpr_list_start",
  "rexpr_list_end",
  "funcformat",
]);

/**
 * The canonical form of a node, of a list of nodes, or of any part of one.
 *
 * @param tree is used up: it is brought to the canonical form in place, which for a large dump takes a third of the
 *   time that a copy would
 * @returns JSON
 * @throws RangeError when it is nested deeper than the stack allows
 */
export function canonicalForm(tree: unknown, context: RuleContext): string {
  return JSON.stringify(normalised(tree, context)) ?? "null";
}

function normalised(tree: unknown, context: RuleContext): unknown {
  if (Array.isArray(tree)) return normalisedList(tree, context);
  if (!isTreeObject(tree)) return tree;
  for (const key in tree) {
    const value = tree[key];
    if (typeof value === "object" && value !== null) {
      const rules = RULES.get(key);
      const answer =
        rules === undefined || !isTreeObject(value) ? undefined : firstAnswer(rules, value, context);
      // A node is an object with one key, the name of its type, so this replaces all of it.
      if (answer !== undefined) return normalised(answer, context);
      const inner = normalised(value, context);
      if (inner !== value) tree[key] = inner;
    } else if (SPELLING.has(key)) tree[key] = undefined;
  }
  return tree;
}

function normalisedList(list: unknown[], context: RuleContext): unknown[] {
  for (let index = 0; index < list.length; index++) {
    const item: unknown = list[index];
    const inner = normalised(item, context);
    if (inner !== item) list[index] = inner;
  }
  return list.length > 1 && isTreeObject(list[0]) && "DefElem" in list[0] ? inOneOrder(list) : list;
}

/**
 * Options are a set: `WITH (fillfactor=80, autovacuum_enabled=false)` stands in the order in which they were
 * set, those of a function in the order that a version of pg_dump has.
 * Bridges two databases of any version.
 */
function inOneOrder(options: readonly unknown[]): unknown[] {
  const keyed = options.map((option) => [JSON.stringify(option), option] as const);
  return keyed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, option]) => option);
}

function firstAnswer(
  rules: readonly Rule[],
  fields: TreeObject,
  context: RuleContext,
): TreeObject | undefined {
  for (const rule of rules) {
    const answer = rule(fields, context);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
