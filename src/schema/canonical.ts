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
import { isTreeObject } from "./tree.js";

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
 * @throws RangeError when it is nested deeper than the stack allows
 */
export function canonicalForm(tree: unknown, context: RuleContext): string {
  if (Array.isArray(tree)) {
    let text = "[";
    for (let index = 0; index < tree.length; index++) {
      text += index === 0 ? canonicalForm(tree[index], context) : `,${canonicalForm(tree[index], context)}`;
    }
    return `${text}]`;
  }
  if (!isTreeObject(tree)) return typeof tree === "string" ? JSON.stringify(tree) : String(tree);
  let text = "{";
  for (const key in tree) {
    const value = tree[key];
    if (value === undefined || (SPELLING.has(key) && !isTreeObject(value))) continue;
    const rules = RULES.get(key);
    const replaced =
      rules !== undefined && isTreeObject(value) ? firstAnswer(rules, value, context) : undefined;
    // A node is an object with one key, the name of its type.
    if (replaced !== undefined) return canonicalForm(replaced, context);
    text += text.length === 1 ? `"${key}":` : `,"${key}":`;
    text += canonicalForm(value, context);
  }
  return `${text}}`;
}

function firstAnswer(rules: readonly Rule[], fields: Parameters<Rule>[0], context: RuleContext) {
  for (const rule of rules) {
    const answer = rule(fields, context);
    if (answer !== undefined) return answer;
  }
  return undefined;
}
