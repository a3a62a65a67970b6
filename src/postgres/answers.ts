/** The server's messages, each of them one byte of type, four of length (which counts itself), and the rest. */

/** The type's byte and the length's four. */
export const HEADER_BYTES = 5;
const READY_FOR_QUERY = "Z".charCodeAt(0);
const ERROR_RESPONSE = "E".charCodeAt(0);

/** All that the server sends in answer to one request. */
export interface Answer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The SQLSTATE of the error in it; null where there is none. */
  readonly sqlState: string | null;
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

  /** @returns the whole answer when this chunk completes it */
  add(chunk: Buffer): Answer | undefined {
    const bytes = this.#cut.length === 0 ? chunk : Buffer.concat([this.#cut, chunk]);
    const read = this.#walk(bytes);
    this.#chunks.push(bytes.subarray(0, read));
    this.#length += read;
    this.#cut = bytes.subarray(read);
    if (this.#remaining > 0 || this.#cut.length > 0 || this.#type !== READY_FOR_QUERY) return undefined;
    return this.#take();
  }

  /** Goes from header to header. @returns where the bytes end, or the header that is cut off */
  #walk(bytes: Buffer): number {
    let offset = Math.min(this.#remaining, bytes.length);
    this.#remaining -= offset;
    while (bytes.length - offset >= HEADER_BYTES) {
      this.#type = bytes.readUInt8(offset);
      if (this.#type === ERROR_RESPONSE) this.#errorAt ??= this.#length + offset;
      const end = offset + 1 + bytes.readUInt32BE(offset + 1);
      this.#remaining = Math.max(end - bytes.length, 0);
      offset = Math.min(end, bytes.length);
    }
    return this.#remaining > 0 ? bytes.length : offset;
  }

  #take(): Answer {
    const bytes = new Uint8Array(this.#length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    const sqlState = this.#errorAt === null ? null : sqlStateAt(bytes, this.#errorAt);
    this.#chunks = [];
    this.#length = 0;
    this.#type = 0;
    this.#errorAt = null;
    return { bytes, sqlState };
  }
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
