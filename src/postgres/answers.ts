/** The server's messages, each of them one byte of type, four of length (which counts itself), and the rest. */

/** The type's byte and the length's four. */
const HEADER_BYTES = 5;
/** A ReadyForQuery ends each answer. */
const READY_BYTES = 6;
const READY_FOR_QUERY = "Z".charCodeAt(0);
const ERROR_RESPONSE = "E".charCodeAt(0);
const ROW_DESCRIPTION = "T".charCodeAt(0);
const DATA_ROW = "D".charCodeAt(0);
const COMMAND_COMPLETE = "C".charCodeAt(0);

/** All that the server sends in answer to one request. */
export interface Answer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The SQLSTATE of the error in it; null where there is none. */
  readonly sqlState: string | null;
  /** Where its rows begin and end in the bytes, the last command's; null where none has ended. */
  readonly rows: { readonly from: number; readonly to: number } | null;
}

/** Gathers what the server sends until a ReadyForQuery message ends the answer. */
export class AnswerCollector {
  #chunks: Buffer[] = [];
  #length = 0;
  /** The part of a header that the last chunk ended in. */
  #cut: Buffer = Buffer.alloc(0);
  /** Bytes still to come of the message whose header has been read. */
  #remaining = 0;
  #type = 0;
  #errorAt: number | null = null;
  #rowsFrom: number | null = null;
  #rowsTo: number | null = null;

  /** @returns the answers that this chunk completes */
  add(chunk: Buffer): Answer[] {
    const answers: Answer[] = [];
    let bytes = this.#cut.length === 0 ? chunk : Buffer.concat([this.#cut, chunk]);
    for (;;) {
      const read = this.#walk(bytes);
      this.#chunks.push(bytes.subarray(0, read));
      this.#length += read;
      bytes = bytes.subarray(read);
      if (!this.#isWhole()) break;
      answers.push(this.#take());
    }
    this.#cut = bytes;
    return answers;
  }

  #isWhole(): boolean {
    return this.#type === READY_FOR_QUERY && this.#remaining === 0;
  }

  /** Goes from header to header. @returns where the answer or the bytes end, or the header that is cut off */
  #walk(bytes: Buffer): number {
    let offset = Math.min(this.#remaining, bytes.length);
    this.#remaining -= offset;
    while (!this.#isWhole() && bytes.length - offset >= HEADER_BYTES) {
      this.#type = bytes.readUInt8(offset);
      this.#mark(this.#length + offset);
      const end = offset + 1 + bytes.readUInt32BE(offset + 1);
      this.#remaining = Math.max(end - bytes.length, 0);
      offset = Math.min(end, bytes.length);
    }
    return this.#remaining > 0 ? bytes.length : offset;
  }

  #mark(at: number): void {
    if (this.#type === DATA_ROW) this.#rowsFrom ??= at;
    else if (this.#type === COMMAND_COMPLETE) this.#rowsTo = at;
    else if (this.#type === ERROR_RESPONSE) this.#errorAt ??= at;
  }

  #take(): Answer {
    const bytes = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    const sqlState = this.#errorAt === null ? null : sqlStateAt(bytes, this.#errorAt);
    const to = this.#rowsTo;
    const rows = to === null ? null : { from: this.#rowsFrom ?? to, to };
    this.#chunks = [];
    this.#length = 0;
    this.#type = 0;
    this.#errorAt = null;
    this.#rowsFrom = null;
    this.#rowsTo = null;
    return { bytes, sqlState, rows };
  }
}

/**
 * The answer to a question that was asked in parts, each of which has the rows that come after those of the part before.
 *
 * @returns null where a part has no rows to give, as where it failed
 */
export function joinAnswers(parts: readonly Answer[]): Answer | null {
  const [first] = parts;
  if (first === undefined || first.rows === null) return null;
  const pieces: Uint8Array[] = [];
  let count = 0;
  for (const { bytes, sqlState, rows } of parts) {
    if (sqlState !== null || rows === null) return null;
    pieces.push(bytes.subarray(rows.from, rows.to));
    count += rowsIn(bytes, rows.to);
  }
  return answerOf(first.bytes.subarray(0, first.rows.from), pieces, count, first.bytes);
}

/** @param like an answer that ends as this one is to end */
function answerOf(opening: Uint8Array, rows: readonly Uint8Array[], count: number, like: Uint8Array): Answer {
  const complete = message("C", `SELECT ${count}\0`);
  const pieces = [opening, ...rows, complete, like.subarray(-READY_BYTES)];
  const bytes = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  const to = bytes.length - READY_BYTES - complete.length;
  return { bytes, sqlState: null, rows: { from: opening.length, to } };
}

/** A message of the protocol, to the server or from it. @param body ends with a zero where it is a text */
export function message(type: string, body: string): Buffer {
  const bytes = Buffer.from(`${type}\0\0\0\0${body}`);
  bytes.writeUInt32BE(bytes.length - 1, 1);
  return bytes;
}

/** How many rows a CommandComplete says that there were: `SELECT 12`. */
function rowsIn(bytes: Uint8Array<ArrayBuffer>, offset: number): number {
  return Number(textOf(bytes.subarray(offset)).split(" ").at(-1));
}

/** The body of a message that is one text, and ends with a zero. */
export function textOf(bytes: Uint8Array): string {
  const message = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return message.toString("utf8", HEADER_BYTES, message.readUInt32BE(1));
}

/**
 * The texts in a column of an answer's rows: https://www.postgresql.org/docs/current/protocol-message-formats.html
 *
 * @param column counted from 0
 */
export function textsIn({ bytes, rows }: Answer, column = 0): string[] {
  const all = Buffer.from(bytes.buffer);
  return placesOfRows(all, rows).map(({ from }) => textInRow(all, from, column));
}

/**
 * An answer with only those rows that have one of the values in a column.
 *
 * @returns null where it has no such column
 */
export function rowsWith(answer: Answer, column: string, values: ReadonlySet<string>): Answer | null {
  const all = Buffer.from(answer.bytes.buffer);
  const at = columnsOf(all).indexOf(column);
  if (at < 0 || answer.rows === null) return null;
  const places = placesOfRows(all, answer.rows);
  const kept = places.filter(({ from }) => values.has(textInRow(all, from, at)));
  if (kept.length === places.length) return answer;
  const pieces = kept.map(({ from, to }) => answer.bytes.subarray(from, to));
  return answerOf(answer.bytes.subarray(0, answer.rows.from), pieces, kept.length, answer.bytes);
}

/** Where rows are that stand one after the other. */
function placesOfRows(bytes: Buffer, rows: Answer["rows"]): { from: number; to: number }[] {
  const places = [];
  for (let from = rows?.from ?? 0, to = from; from < (rows?.to ?? 0); from = to) {
    to = from + 1 + bytes.readUInt32BE(from + 1);
    places.push({ from, to });
  }
  return places;
}

/** NULL is taken for an empty text. */
function textInRow(bytes: Buffer, row: number, column: number): string {
  let length = row + HEADER_BYTES + 2;
  for (let before = 0; before < column; before++) length += 4 + Math.max(bytes.readInt32BE(length), 0);
  return bytes.toString("utf8", length + 4, length + 4 + Math.max(bytes.readInt32BE(length), 0));
}

/** What a RowDescription tells of a column behind its name. */
const COLUMN_BYTES = 18;

/** The names of an answer's columns. */
function columnsOf(bytes: Buffer): string[] {
  const names: string[] = [];
  if (bytes.readUInt8(0) !== ROW_DESCRIPTION) return names;
  let from = HEADER_BYTES + 2;
  for (const count = bytes.readUInt16BE(HEADER_BYTES); names.length < count; ) {
    const to = bytes.indexOf(0, from);
    names.push(bytes.toString("utf8", from, to));
    from = to + 1 + COLUMN_BYTES;
  }
  return names;
}

/** Reads an ErrorResponse: https://www.postgresql.org/docs/current/protocol-error-fields.html */
function sqlStateAt(bytes: Uint8Array<ArrayBuffer>, offset: number): string | null {
  const message = Buffer.from(bytes.buffer, offset);
  const fields = message
    .subarray(HEADER_BYTES, 1 + message.readUInt32BE(1))
    .toString()
    .split("\0");
  return fields.find((field) => field.startsWith("C"))?.slice(1) ?? null;
}
