import type { DeltasProblemCode } from "./report.js";

/** The largest deltas file that is read, in bytes: 20 MiB. */
export const MAX_DELTAS_BYTES = 20 * 1024 * 1024;

/** What mends each problem. */
export const HINTS: Readonly<Record<DeltasProblemCode, string>> = {
  DELTAS_TOO_LARGE:
    "Deltas change the schema. Load data by another way, or archive the change in several versions.",
  DELTAS_NOT_UTF8: "Save the file as UTF-8.",
  DELTAS_NUL: "Remove the NUL byte: no SQL text can hold one. Was the file saved as UTF-16?",
  DELTAS_BYTE_ORDER_MARK: "Save the file as UTF-8 without a byte-order mark.",
  DELTAS_LINE_ENDS:
    "Save the file with LF line ends, and keep git from changing them: *.deltas text eol=lf in .gitattributes.",
  DELTAS_HASH_LINE: "Old wovtools wrote such headers. Turn the # into --, or remove the line.",
  DELTAS_META_COMMAND:
    "Only psql knows commands that start with a backslash. Remove the line, or write what it does in SQL.",
  DELTAS_COPY_FROM_STDIN: "Deltas have no standard input. Write the rows as INSERT.",
  DELTAS_TRANSACTION: "Remove it: the deploy opens and ends the transaction.",
  DELTAS_PLACE: "Write the statement that it asks for, and take the comment away.",
  DELTAS_SYNTAX: "Mend the statement; psql would refuse it at the same place.",
  DELTAS_BODY_SYNTAX: "Mend the body; the server checks it when the statement runs.",
};
