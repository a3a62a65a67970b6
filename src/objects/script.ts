/** What a script does, by its parse tree: the objects it makes, what it needs, its statements. Pure. */
import type { Parser } from "../schema/parser.js";
import {
  isTreeObject,
  listAt,
  objectAt,
  stringAt,
  type TreeObject,
  unwrap,
  without,
} from "../schema/tree.js";
import { visitBody } from "./bodies.js";
import { type Made, madeBy } from "./made.js";
import type { Reference } from "./names.js";
import { type Use, visitUses } from "./references.js";
import type { ObjectScript } from "./tree.js";

/** One statement of a script. */
export interface Statement {
  readonly sql: string;
  /** Its first line in the file, from 1. */
  readonly line: number;
  /** The parse tree's name for it, e.g. `ViewStmt`; empty where the script could not be parsed. */
  readonly type: string;
  readonly tree: unknown;
}

/** Something needed, and how badly. */
export interface Need {
  readonly use: Use;
  /** Needed when the object is used, not when it is made: by the body of a function. */
  readonly late: boolean;
  /** Needed by the statement that says what a view or a type consists of. */
  readonly defining: boolean;
}

export interface ScriptFacts {
  /** The whole script as one, where it could not be parsed. */
  readonly statements: readonly Statement[];
  /** What it makes, in its order. */
  readonly makes: readonly (Made & { readonly line: number })[];
  readonly needs: readonly Need[];
  /** Settings that it changes for the session, e.g. `search_path`. */
  readonly settings: readonly string[];
  /** Lines of statements that begin or end a transaction. */
  readonly controls: readonly number[];
  /** Why it, or a body in it, was searched by words instead of parsed; null where all was parsed. */
  readonly unread: string | null;
  /** Whether the script itself, not only a body in it, could be parsed. */
  readonly parsed: boolean;
}

/** A run looks at a script several times, before and after its migrations; its text stays the same. */
const KNOWN = new WeakMap<ObjectScript, ScriptFacts>();

/** What the script of an object does; read once. */
export function factsOf(parser: Parser, script: ObjectScript): ScriptFacts {
  const known = KNOWN.get(script) ?? readScriptFacts(parser, script.text);
  KNOWN.set(script, known);
  return known;
}

/** Reads a script. What cannot be parsed is no error here: the server has the last word on it. */
export function readScriptFacts(parser: Parser, text: string): ScriptFacts {
  let tree: unknown;
  try {
    tree = parser.parse(text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return unreadFacts(parser, text, error.message);
  }
  const statements = statementsOf(text, tree);
  const needs: Need[] = [];
  const settings: string[] = [];
  const unread: string[] = [];
  for (const { sql, type, tree: statement } of statements) {
    const [, fields] = unwrap(statement);
    const defining = type in OWN_NAMES && type !== "CreateFunctionStmt";
    visitUses(withoutOwnName(type, fields), (use) => needs.push({ use, late: false, defining }));
    const late = type === "CreateFunctionStmt";
    const body = visitBody(parser, statement, sql, (use) => needs.push({ use, late, defining: false }));
    if (body !== undefined) {
      unread.push(body.reason);
      needs.push(...wordsOf(parser, body.text));
    }
    if (type === "VariableSetStmt") settings.push(stringAt(fields, "name") ?? "");
  }
  return {
    statements,
    makes: statements.flatMap(({ tree: statement, line }) =>
      madeBy(statement).map((made) => ({ ...made, line })),
    ),
    needs,
    settings,
    controls: statements.filter(({ type }) => type === "TransactionStmt").map(({ line }) => line),
    unread: unread[0] ?? null,
    parsed: true,
  };
}

function unreadFacts(parser: Parser, text: string, reason: string): ScriptFacts {
  return {
    statements: [{ sql: text, line: 1, type: "", tree: null }],
    makes: [],
    needs: wordsOf(parser, text),
    settings: [],
    controls: [],
    unread: reason,
    parsed: false,
  };
}

/** Places in the tree count bytes of UTF-8. */
function statementsOf(text: string, tree: unknown): Statement[] {
  const bytes = Buffer.from(text);
  let line = 1;
  let read = 0;
  return listAt(tree, "stmts").map((raw) => {
    const start = isTreeObject(raw) && typeof raw.stmt_location === "number" ? raw.stmt_location : 0;
    const length = isTreeObject(raw) && typeof raw.stmt_len === "number" ? raw.stmt_len : 0;
    const whole = bytes.subarray(start, length === 0 ? undefined : start + length).toString();
    const sql = whole.replace(LEADING, "");
    const begin = start + Buffer.byteLength(whole) - Buffer.byteLength(sql);
    line += newlines(bytes.subarray(read, begin));
    read = begin;
    const statement = objectAt(raw, "stmt");
    return { sql, line, type: unwrap(statement)[0], tree: statement };
  });
}

/** White space and comments in front of a statement. */
const LEADING = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;

function newlines(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === 10) count += 1;
  return count;
}

/** Where a statement has the name of what it makes, which looks like the use of it. */
const OWN_NAMES: Readonly<Record<string, string>> = {
  CreateFunctionStmt: "funcname",
  ViewStmt: "view",
  CreateTableAsStmt: "into",
  CompositeTypeStmt: "typevar",
};

function withoutOwnName(type: string, fields: TreeObject): unknown {
  const key = OWN_NAMES[type];
  // In the shape of a node, so that what tells by the type of a node still does.
  return { [type]: key === undefined ? fields : without(fields, key) };
}

const IDENT = 258;
const COMMENTS: ReadonlySet<number> = new Set([275, 276]);

/** Whole words, and pairs with a dot between, as what they might name. Comments and strings are left out. */
function wordsOf(parser: Parser, text: string): Need[] {
  const found: Need[] = [];
  const add = (schema: string | null, name: string) => {
    for (const space of ["relation", "function", "type"] as const) {
      const reference: Reference = { space, schema, name };
      found.push({ use: { of: "name", reference }, late: true, defining: false });
    }
  };
  const words = tokensOf(parser, text);
  for (const [at, word] of words.entries()) {
    if (word === "." || words[at - 1] === ".") continue;
    const next = words[at + 2];
    if (words[at + 1] === "." && next !== undefined) add(word, next);
    else add(null, word);
  }
  return found;
}

/** Names in the server's spelling, and dots. */
function tokensOf(parser: Parser, text: string): string[] {
  try {
    const { tokens } = parser.scan(text);
    return tokens
      .filter(({ tokenType }) => !COMMENTS.has(tokenType))
      .flatMap(({ tokenType, text: word }) => {
        if (word === ".") return ["."];
        const isWord = tokenType === IDENT || /^[a-z_]\w*$/i.test(word);
        if (!isWord) return [""];
        return [word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase()];
      });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Not even cut into tokens, as when a string has no end.
    return text.toLowerCase().match(/[\p{L}_][\p{L}\p{N}_$]*|\./gu) ?? [];
  }
}
