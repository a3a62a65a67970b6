/** JSON files that people write: every mistake is reported with its line and column. */
import * as v from "valibot";
import type { ErrorKind } from "./files.js";
import { nearest } from "./nearest.js";

/** A value's place in the text, and its members' places by key or index. */
interface Place {
  /** Offset of the value; of its key for a member of an object. */
  readonly start: number;
  readonly members: Map<string, Place>;
}

/** What keeps a text from being JSON, and where. */
class JsonMistake extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message);
  }
}

/** Line and column of an offset, both counted from 1, columns in UTF-16 units as editors count them. */
export function lineAndColumn(text: string, offset: number): string {
  const before = text.slice(0, offset);
  return `${before.split("\n").length}:${offset - before.lastIndexOf("\n")}`;
}

/**
 * A strict object: an unknown key is an issue that names the nearest known one.
 *
 * @param entries the known keys with their schemas
 */
export function strict<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.strictObject(entries, (issue) => {
    const key = lastKey(issue.path);
    if (issue.expected === "never") {
      const meant = nearest(key, Object.keys(entries));
      const help =
        meant === null ? `known are ${Object.keys(entries).join(", ")}` : `did you mean "${meant}"?`;
      return `unknown key "${key}"; ${help}`;
    }
    return issue.expected === "Object" ? "must be an object" : `the key "${key}" is missing`;
  });
}

/**
 * An object with keys that are not known beforehand. Valibot's own record takes an array for one.
 *
 * @param key the schema of a key
 * @param value the schema of a value
 */
export function record<
  const Key extends v.BaseSchema<string, string, v.BaseIssue<unknown>>,
  const Value extends v.GenericSchema,
>(key: Key, value: Value) {
  const isObject = (input: unknown) => typeof input === "object" && input !== null && !Array.isArray(input);
  return v.pipe(v.unknown(), v.check(isObject, "must be an object"), v.record(key, value));
}

function lastKey(path: readonly { readonly key: unknown }[] | undefined): string {
  return String(path?.at(-1)?.key ?? "");
}

/**
 * Parses JSON and checks it against a schema. No value of the file gets into a message, since the file may hold
 * passwords; keys do.
 *
 * @param what the beginning of the error codes, e.g. `CONFIG`
 * @param file its path, for messages
 * @param hint what mends a mistake
 * @throws failure `…_JSON` when the text is no JSON or an object has a key twice, `…_INVALID` when the schema
 *   refuses it; `where` is `file:line:column`
 */
export function parseJson<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  file: string,
  what: string,
  failure: ErrorKind,
  hint = "Correct the file at that place.",
): v.InferOutput<Schema> {
  let place: Place | null = null;
  try {
    if (!isAsWritten(text)) place = locate(text);
  } catch (error) {
    if (!(error instanceof JsonMistake)) throw error;
    throw new failure(`${what}_JSON`, `The file is not valid JSON: ${error.message}.`, {
      where: `${file}:${lineAndColumn(text, error.offset)}`,
      hint,
    });
  }
  const checked = v.safeParse(schema, JSON.parse(text));
  if (checked.success) return checked.output;
  place ??= locate(text);
  const problems = checked.issues.map((issue) => {
    const keys = issue.path?.map((item) => String(item.key)) ?? [];
    const isMissing = issue.type === "strict_object" && issue.received === "undefined";
    return { isMissing, at: lineAndColumn(text, placeOf(place, keys)), says: describeIssue(issue, keys) };
  });
  // A misspelt key is missing as well; the misspelling is what to mend.
  problems.sort((a, b) => Number(a.isMissing) - Number(b.isMissing));
  const [first, ...rest] = problems;
  const more = rest.map((problem) => `\n${problem.at}: ${problem.says}`).join("");
  throw new failure(`${what}_INVALID`, `${first?.says ?? "The file is not as it should be"}${more}`, {
    where: `${file}:${first?.at ?? "1:1"}`,
    hint,
  });
}

function describeIssue(issue: v.BaseIssue<unknown>, keys: readonly string[]): string {
  // The library's own messages repeat the value and all begin so; ours never do.
  const says = issue.message.startsWith("Invalid ")
    ? issue.expected === null
      ? "is not allowed here"
      : `must be ${issue.expected}`
    : issue.message;
  // An issue about a key stands under the key already; its path leads to the object around it.
  const path = (
    issue.type === "strict_object" && issue.expected !== "Object" ? keys.slice(0, -1) : keys
  ).join(".");
  return path === "" ? says : `${path}: ${says}`;
}

/**
 * Whether a text is as `JSON.stringify` writes what is in it, with two spaces and a line feed at the end. Then it is
 * JSON in which no object has a key twice, and need not be walked to say so.
 */
function isAsWritten(text: string): boolean {
  try {
    return `${JSON.stringify(JSON.parse(text), null, 2)}\n` === text;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** The offset of the deepest part of a path that is in the text; a missing key is reported at its object. */
function placeOf(root: Place, keys: readonly string[]): number {
  let place = root;
  for (const key of keys) {
    const next = place.members.get(key);
    if (next === undefined) break;
    place = next;
  }
  return place.start;
}

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[ !#-[\]-\uFFFF]+|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const DEEPEST = 64;

/**
 * Walks a JSON text (RFC 8259) and notes where each value stands. JSON.parse tells neither the place of a value
 * nor of every mistake, and takes the last of two equal keys in silence, which is what a careless merge leaves.
 */
function locate(text: string): Place {
  let offset = 0;

  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = offset;
    const found = pattern.exec(text)?.[0] ?? null;
    if (found !== null) offset += found.length;
    return found;
  };
  const skipSpace = () => match(SPACE);
  const fail = (expected: string): never => {
    const here = text[offset];
    const found =
      here === undefined
        ? "the end of the file"
        : here < " "
          ? "a control character"
          : here === '"'
            ? "a double quote"
            : `"${here}"`;
    const advice = adviceFor(text, offset, expected);
    throw new JsonMistake(`${expected} is expected, not ${found}${advice}`, offset);
  };
  const literal = (character: string): boolean => {
    skipSpace();
    if (text[offset] !== character) return false;
    offset++;
    return true;
  };

  const members = (close: string, depth: number, readKey: (index: number) => string): Map<string, Place> => {
    if (depth >= DEEPEST) throw new JsonMistake(`it is nested more than ${DEEPEST} levels deep`, offset);
    const found = new Map<string, Place>();
    if (literal(close)) return found;
    do {
      skipSpace();
      const start = offset;
      const key = readKey(found.size);
      if (found.has(key)) throw new JsonMistake(`the key "${key}" is there twice`, start);
      const place = value(depth + 1);
      found.set(key, close === "}" ? { start, members: place.members } : place);
    } while (literal(","));
    if (!literal(close)) fail(`"," or "${close}"`);
    return found;
  };
  const objectKey = (): string => {
    const key = match(STRING) ?? fail("a key in double quotes");
    if (!literal(":")) fail('":"');
    return String(JSON.parse(key));
  };
  const value = (depth: number): Place => {
    skipSpace();
    const start = offset;
    if (literal("{")) return { start, members: members("}", depth, objectKey) };
    if (literal("[")) return { start, members: members("]", depth, String) };
    if (match(STRING) === null && match(SCALAR) === null) fail("a value");
    return { start, members: new Map() };
  };

  const root = value(0);
  skipSpace();
  if (offset < text.length) fail("the end of the file");
  return root;
}

/** The usual slips of hand-written JSON by what stands where something else should. */
function adviceFor(text: string, offset: number, expected: string): string {
  const before = text.slice(0, offset).trimEnd();
  if (/[}\]]/.test(text[offset] ?? "") && before.endsWith(","))
    return "; JSON has no comma after the last element";
  if (text.startsWith("//", offset) || text.startsWith("/*", offset)) return "; JSON has no comments";
  if (text[offset] === '"' && expected.startsWith('","')) return "; a comma is missing before it";
  if (text[offset] === '"') return "; the string has no end, or a line break or an unknown escape in it";
  if (text[offset] === "'") return "; JSON has double quotes only";
  return "";
}
