/** The thread in which the bundled pg_dump runs. See bundled-dump.ts for the conversation. */
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { pgDump } from "@electric-sql/pglite-tools/pg_dump";
import type {
  DumpAnswer,
  DumpOutput,
  DumpRequest,
  DumpResult,
  DumpTask,
  DumpWorkerStart,
} from "./bundled-dump.js";
import { watchWrites } from "./written-files.js";

const SSL_REQUEST = 80877103;
const GSSENC_REQUEST = 80877104;

/**
 * The server's end of the wire, as pg_dump's libpq sees it. The login is played here, since `pg` has made the
 * real one already; whole messages after that go to the server.
 */
class Wire {
  #pending = new Uint8Array(0);
  #started = false;

  constructor(private readonly task: DumpTask) {}

  /** Takes bytes that pg_dump wrote, answers through `onRawData` before it returns. */
  send(bytes: Uint8Array, onRawData: (answer: Uint8Array) => void): void {
    // `bytes` is a view of WebAssembly memory: a copy is needed to keep any of it.
    this.#pending = Buffer.concat([this.#pending, bytes]);
    if (!this.#started) {
      const greeting = this.#start();
      if (greeting) onRawData(greeting);
      return;
    }
    const whole = wholeMessages(this.#pending);
    if (whole.length === 0) return;
    const request = this.#pending.slice(0, whole.length);
    this.#pending = this.#pending.slice(whole.length);
    const answer = this.#ask({ bytes: request, answered: whole.answered });
    if (answer) onRawData(answer);
  }

  #start(): Uint8Array | undefined {
    const message = Buffer.from(this.#pending);
    if (message.length < 8 || message.length < message.readUInt32BE(0)) return undefined;
    const code = message.readUInt32BE(4);
    this.#pending = new Uint8Array(0);
    if (code === SSL_REQUEST || code === GSSENC_REQUEST) return Buffer.from("N");
    this.#started = true;
    return Buffer.concat([
      frame("R", Buffer.from([0, 0, 0, 0])),
      ...Object.entries(this.task.parameters).map(([name, value]) =>
        frame("S", Buffer.from(`${name}\0${value}\0`)),
      ),
      frame("K", Buffer.alloc(8)),
      frame("Z", Buffer.from("I")),
    ]);
  }

  #ask(request: DumpRequest): Uint8Array | undefined {
    const { port, signal } = this.task;
    Atomics.store(signal, 0, 0);
    port.postMessage(request);
    if (!request.answered) return undefined;
    // A wake-up may belong to the answer before, come late; the signal decides.
    while (Atomics.load(signal, 0) === 0) Atomics.wait(signal, 0, 0);
    const received: { message: DumpAnswer } | undefined = receiveMessageOnPort(port);
    if (received === undefined) throw new Error("no answer came");
    if ("failure" in received.message) throw new Error(received.message.failure);
    return received.message.bytes;
  }
}

/** The length of all whole messages at the start of `bytes`, and whether the server answers them (Query, Sync, FunctionCall). */
function wholeMessages(bytes: Uint8Array): { length: number; answered: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let length = 0;
  let answered = false;
  while (length + 5 <= bytes.byteLength) {
    const end = length + 1 + view.getUint32(length + 1);
    if (end > bytes.byteLength) break;
    answered ||= "QSF".includes(String.fromCharCode(view.getUint8(length)));
    length = end;
  }
  return { length, answered };
}

function frame(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.write(type, 0, "latin1");
  header.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([header, body]);
}

/** Hands the answer to what pg_dump wrote to `onRawData` before it returns. */
type Send = (bytes: Uint8Array, options: { onRawData: (answer: Uint8Array) => void }) => void;

async function dump(args: readonly string[], send: Send): Promise<DumpResult> {
  // All that pgDump asks of its PGlite is these three. It sets the session right again after pg_dump; this
  // session ends anyway, so what it asks for is answered here.
  const pg = {
    query: async () => ({ rows: [{ search_path: "public" }] }),
    exec: async () => [],
    execProtocolRawStream: send,
  };
  try {
    // Its type wants a whole PGlite, which this cannot be: Reflect.apply takes what the code takes.
    await Reflect.apply(pgDump, undefined, [{ pg, args }]);
    return { failure: null };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

/** Has compiled what every dump begins with: one that nobody answers fails where it would speak first. */
async function warmUp(): Promise<void> {
  await dump([], () => {
    throw new Error("there is no server yet");
  });
}

/** Pieces of this size are told: one for each of pg_dump's buffers would be 13,000 for 13 MB. */
const PIECE_BYTES = 256 * 1024;

/** Tells what pg_dump writes. */
class Pieces {
  #piece = new Uint8Array(PIECE_BYTES);
  #length = 0;

  constructor(private readonly task: DumpTask) {}

  readonly add = (bytes: Uint8Array): void => {
    for (let from = 0; from < bytes.length; ) {
      const part = bytes.subarray(from, from + PIECE_BYTES - this.#length);
      this.#piece.set(part, this.#length);
      this.#length += part.length;
      from += part.length;
      if (this.#length === PIECE_BYTES) this.tell();
    }
  };

  tell(): void {
    const output: DumpOutput = { written: this.#piece.slice(0, this.#length) };
    this.#length = 0;
    this.task.port.postMessage(output, [output.written.buffer]);
  }
}

const start: DumpWorkerStart = workerData;
const warm = start.warmUp ? warmUp() : Promise.resolve();

/** Two dumps of one schema are the same: the key, which psql would ask for, is another one each time otherwise. */
const SAME_KEY = "--restrict-key=wovtools";

parentPort?.on("message", async (task: DumpTask) => {
  await warm;
  const wire = new Wire(task);
  const pieces = new Pieces(task);
  const unwatch = watchWrites(pieces.add);
  const result = await dump([...task.args, SAME_KEY], (bytes, { onRawData }) => wire.send(bytes, onRawData));
  unwatch();
  pieces.tell();
  parentPort?.postMessage(result);
});
