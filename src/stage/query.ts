/** Parts of a plan as one query: its text, and which statement stands where in it. */
import { DatabaseError as ServerError } from "pg";
import { StatementFailure } from "./failures.js";
import { type Part, type PlannedStatement, settingsBefore } from "./plan.js";

/** One statement of a query: one of a part, or a setting that comes before it. */
interface Piece {
  readonly sql: string;
  readonly part: Part;
  /** The number in the part's version of the statement that it is, or belongs to; null for a setting. */
  readonly number: number | null;
}

/** Told before each statement, by its number in the part's version; null where the schema is verified. */
export type Teller = (part: Part, number: number | null) => void;

/**
 * The most that one query is about, in characters. The server keeps the trees of all of a query until its end, and
 * a text this long takes far longer to run than to send.
 */
const LONGEST_QUERY = 100_000;

/** Puts parts together that go to the server as one query. An archived schema, which is one text, stays alone. */
export function inQueries(parts: readonly Part[]): Part[][] {
  const queries: Part[][] = [];
  let open: Part[] = [];
  let length = 0;
  for (const part of parts) {
    const own = statementsOf(part).reduce((sum, { text }) => sum + text.length, 0);
    const isAlone = part.version.how === "loaded" || open[0]?.version.how === "loaded";
    if (open.length === 0 || isAlone || length + own > LONGEST_QUERY) {
      open = [];
      length = 0;
      queries.push(open);
    }
    open.push(part);
    length += own;
  }
  return queries;
}

function statementsOf({ version, from, to }: Part): readonly PlannedStatement[] {
  return version.statements.slice(from, to);
}

/**
 * Makes the server send what it has kept to itself. It sends its answers when a query is done, when there are 8 kB of
 * them, or when it has a notice to send, as for a text search for nothing:
 * https://git.postgresql.org/gitweb/?p=postgresql.git;a=blob;f=src/backend/utils/error/elog.c
 */
const SAY_SO = ["SET client_min_messages = notice", "SELECT ''::pg_catalog.tsquery"];

/** How often the server is made to in one query, at most: it takes half a millisecond each time. */
const SAID_AT_MOST = 20;

/** A query under way. The server's answers tell how far it has come. */
export class PartsQuery {
  readonly text: string;
  readonly #pieces: readonly Piece[];
  readonly #took = new Map<Part, number>();
  /** How many pieces are done. */
  #done = 0;
  /** When the part at hand began, as `performance.now` has it. */
  #began = performance.now();

  /** @param fresh statements that put the session's settings back, before each part */
  constructor(
    parts: readonly Part[],
    fresh: readonly string[],
    private readonly tell: Teller,
  ) {
    const pieces = parts.filter(({ from, to }) => to > from).flatMap((part) => piecesOf(part, fresh));
    this.#pieces = withWord(pieces);
    this.text = asOne(this.#pieces.map(({ sql }) => sql));
    this.#tellNext();
  }

  /** Takes note that the server has completed a statement; within an archived schema it completes many. */
  readonly completed = (): void => {
    this.#done += 1;
    this.#tellNext();
  };

  /** Takes note of the end. @returns milliseconds by part */
  ended(): ReadonlyMap<Part, number> {
    this.#end(this.#pieces.at(-1));
    return this.#took;
  }

  #tellNext(): void {
    const [piece, before] = [this.#pieces[this.#done], this.#pieces[this.#done - 1]];
    if (piece === undefined) return;
    const { part, number } = piece;
    const begins = part !== before?.part;
    if (begins) this.#end(before);
    // A part's first statement is told with the settings before it.
    if (begins) this.tell(part, part.from);
    else if (number !== null && number > part.from && number !== before?.number) this.tell(part, number);
  }

  #end(piece: Piece | undefined): void {
    const now = performance.now();
    if (piece !== undefined) this.#took.set(piece.part, now - this.#began);
    this.#began = now;
  }

  /** What failed, by the place that the server names or else by how far it has come. */
  failure(reason: unknown): StatementFailure {
    const named =
      reason instanceof ServerError && reason.position !== undefined ? Number(reason.position) : 0;
    let offset = 0;
    const at = this.#pieces.findIndex(({ sql }, index) => {
      const end = offset + lengthOf(sql) + SEAM.length;
      if (named > 0 ? named <= end : index >= this.#done) return true;
      offset = end;
      return false;
    });
    // What the server completes within an archived schema is not counted by itself.
    const piece = this.#pieces.at(at);
    const statement = piece?.part.version.statements[piece.number ?? piece.part.from];
    if (piece === undefined || statement === undefined) throw reason;
    if (at < 0) offset -= lengthOf(piece.sql) + SEAM.length;
    return new StatementFailure({ version: piece.part.version, statement }, reason, offset);
  }
}

function piecesOf(part: Part, fresh: readonly string[]): Piece[] {
  return [
    ...[...fresh, ...settingsBefore(part)].map((sql): Piece => ({ sql, part, number: null })),
    ...statementsOf(part).map(({ text }, index): Piece => ({ sql: text, part, number: part.from + index })),
  ];
}

/** The pieces, and among them some that make the server say how far it has come, at places as far from each other. */
function withWord(pieces: readonly Piece[]): Piece[] {
  const apart = Math.ceil(pieces.filter(({ number }) => number !== null).length / SAID_AT_MOST);
  let count = -1;
  return pieces.flatMap((piece) => {
    if (piece.number === null) return [piece];
    count += 1;
    if (count === 0 || count % apart > 0) return [piece];
    return [...SAY_SO.map((sql): Piece => ({ ...piece, sql })), piece];
  });
}

/** A statement may end with a comment, so each semicolon stands in a line of its own. */
const SEAM = "\n;\n";

/** Statements as one text. */
export function asOne(statements: readonly string[]): string {
  return statements.join(SEAM);
}

/** In characters, as the server counts. */
function lengthOf(sql: string): number {
  return [...sql].length;
}
