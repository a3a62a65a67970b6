/** What `checkDeltas` finds. The codes are stable names for programs. */
export type DeltasProblemCode =
  | "DELTAS_TOO_LARGE"
  | "DELTAS_NOT_UTF8"
  | "DELTAS_NUL"
  | "DELTAS_BYTE_ORDER_MARK"
  | "DELTAS_LINE_ENDS"
  | "DELTAS_HASH_LINE"
  | "DELTAS_META_COMMAND"
  | "DELTAS_COPY_FROM_STDIN"
  | "DELTAS_TRANSACTION"
  | "DELTAS_PLACE"
  | "DELTAS_SYNTAX"
  | "DELTAS_BODY_SYNTAX";

export interface DeltasProblem {
  readonly code: DeltasProblemCode;
  /** Counted from 1; columns are code points. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint: string;
  /** The line it stands in, shortened around the place where it is long. */
  readonly excerpt?: Excerpt | undefined;
}

export interface Excerpt {
  readonly text: string;
  /** White space that puts a caret under the place when printed below `text`. */
  readonly indent: string;
}

export interface Statement {
  /** Without its semicolon. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** UTF-16 code units from the start of the file's text. */
  readonly offset: number;
  /** The parse tree's name for it, e.g. `AlterTableStmt`. */
  readonly type: string;
  /** False where its type was known without. */
  readonly parsed: boolean;
}

export interface DeltasReport {
  /** As the caller named it. */
  readonly file: string;
  /** Every statement that parses, in the order of the file. */
  readonly statements: readonly Statement[];
  /** In the order of the file. Deltas with any are not to be archived. */
  readonly problems: readonly DeltasProblem[];
  /** No statement and no problem: nothing, white space or comments only. */
  readonly empty: boolean;
}
