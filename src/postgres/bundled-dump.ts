import { once } from "node:events";
import { StringDecoder } from "node:string_decoder";
import { setFlagsFromString } from "node:v8";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { message, textOf } from "./answers.js";
import { AskingAhead } from "./asking-ahead.js";
import type { Client } from "./connection.js";
import { Conversation } from "./conversation.js";
import { type Company, Relay } from "./dump-relay.js";

/**
 * The bundled pg_dump is WebAssembly: its libpq reads and writes synchronously, and Node's sockets do not. So it
 * runs in a worker thread which sleeps on `signal` until this thread has the server's whole answer for it.
 *
 * The worker gets a task, then sends requests through `port`; each is answered through the same port, and
 * `signal` is raised after the answer is in the queue. What pg_dump writes comes through the port, too, as it goes on.
 */
export interface DumpTask {
  readonly port: MessagePort;
  readonly signal: Int32Array;
  readonly args: readonly string[];
  readonly parameters: Readonly<Record<string, string>>;
}

/** Bytes for the server. `answered` is false for a message to which the server does not answer. */
export interface DumpRequest {
  readonly bytes: Uint8Array;
  readonly answered: boolean;
}

/** The next bytes of the dump. */
export interface DumpOutput {
  readonly written: Uint8Array<ArrayBuffer>;
}

export type DumpAnswer = { readonly bytes: Uint8Array<ArrayBuffer> } | { readonly failure: string };
export type DumpResult = { readonly failure: string | null };

/**
 * Compile WebAssembly once, quickly, and only what is called. For a small schema pg_dump runs for a fraction of a
 * second, mostly waiting for the server: V8's optimising compiler costs more than it wins, and a thread cannot end
 * before the compiler has. Measured on ten tables: 0.5 s instead of 0.9 s for the whole process.
 */
const COMPILE_QUICKLY = ["--liftoff-only", "--wasm-lazy-compilation"];
/** Where pg_dump runs for seconds, what is called often is optimised; to compile the rest is too much there, too. */
const OPTIMISE_OFTEN_CALLED = ["--no-liftoff-only", "--wasm-lazy-compilation"];
const COMPILE_AS_USUAL = ["--no-liftoff-only", "--no-wasm-lazy-compilation"];

/** Threads that have nothing to do: started before anybody asked for one, or kept after their work. */
const waiting: Worker[] = [];

/** How many threads are kept. To load pg_dump takes twice as long as to read a small schema; a thread takes 20 MB. */
const MOST_WAITING = 4;

/** Threads with a task that they have not ended well, or not yet. */
const atWork = new WeakSet<Worker>();

/** What a thread has printed before it is let go: its memory never becomes smaller. */
const LARGE_DUMP = 10_000_000;

/** Starts the thread that the next `takeDumpWorker` gets. It does not keep the process from ending. */
export function startDumpWorkerAhead(): void {
  if (waiting.length > 0) return;
  const worker = newWorker({ warmUp: true });
  worker.unref();
  waiting.push(worker);
}

/** A thread that loads pg_dump at once, or has it loaded, and waits for a task. Whoever takes it gives it back. */
export function takeDumpWorker(): Worker {
  const worker = waiting.pop() ?? newWorker({ warmUp: false });
  worker.ref();
  return worker;
}

/** Keeps the thread for a later dump, unless it has not come to the end of its work or there are enough. */
export async function giveBackDumpWorker(worker: Worker): Promise<void> {
  if (waiting.length >= MOST_WAITING || atWork.has(worker)) {
    await worker.terminate();
    return;
  }
  waiting.push(worker);
  worker.unref();
}

/** How a thread starts. */
export interface DumpWorkerStart {
  /** Whether it compiles what every dump begins with before there is a task; that costs a dump that waits for it. */
  readonly warmUp: boolean;
}

function newWorker(start: DumpWorkerStart): Worker {
  if (start.warmUp) for (const flag of COMPILE_QUICKLY) setFlagsFromString(flag);
  // The build puts the thread's file beside whichever file this code ends up in.
  // Flags of the program that uses the package, such as --input-type, are not for the worker.
  return new Worker(new URL("./dump-worker.js", import.meta.url), { execArgv: [], workerData: start });
}

/** What pg_dump is told besides the connection. */
export interface DumpRun {
  readonly parameters: Readonly<Record<string, string>>;
  readonly args: readonly string[];
  /** The server's major version. */
  readonly major: number;
  /** pg_dump will run for seconds, in which optimised code wins more than it costs to compile. */
  readonly isLarge: boolean;
  /** Further connections that answer questions; none for a transaction whose changes no other one sees. */
  readonly company?: Company | undefined;
  /** Is told, for whoever wants to know more, how the schema is read. */
  readonly tell?: ((what: string) => void) | undefined;
  /**
   * The connection is in a transaction, which pg_dump takes for its own: it neither begins one nor changes how long
   * a statement may take or wait.
   */
  readonly insideTransaction?: boolean | undefined;
}

/** pg_dump ended without a dump. */
export class DumpFailure extends Error {
  /** @param sqlState of the server's last error in the conversation; null where it sent none */
  constructor(
    message: string,
    readonly sqlState: string | null,
  ) {
    super(message);
  }
}

/**
 * Runs the bundled pg_dump over a connection that `pg` has made. Afterwards the connection is `pg`'s again, with
 * pg_dump's settings and prepared statements in its session; ending it is left to the caller.
 *
 * @param connected the connection, when it may be asked; pg_dump starts before
 * @param take gets the dump piece by piece; the last of them before the promise is kept
 * @throws DumpFailure
 */
export async function dumpThroughClient(
  worker: Worker,
  connected: Client | Promise<Client>,
  run: DumpRun,
  take: (text: string) => void,
): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const reply = (message: DumpAnswer) => {
    // An answer may be of megabytes: it is handed over, not copied.
    port1.postMessage(message, "bytes" in message ? [message.bytes.buffer] : []);
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  };

  const server = Promise.resolve(connected).then((client) => talkTo(client, run));
  let sqlState: string | null = null;
  const output = new Output(take);
  port1.on("message", async (message: DumpRequest | DumpOutput) => {
    if ("written" in message) return output.add(message);
    const { bytes, answered } = message;
    const { conversation, relay } = await server;
    const own = run.insideTransaction === true ? answeredHere(bytes) : null;
    if (own !== null) reply({ bytes: own });
    else if (answered) {
      const answer = await relay.ask(bytes);
      sqlState = answer?.sqlState ?? sqlState;
      reply(answer === null ? { failure: "the connection to the server was lost" } : { bytes: answer.bytes });
    } else if (typeOf(bytes) !== TERMINATE) conversation.tell(bytes);
  });

  const task: DumpTask = { port: port2, signal, args: run.args, parameters: run.parameters };
  atWork.add(worker);
  try {
    // The thread compiles pg_dump when it gets its task.
    for (const flag of run.isLarge ? OPTIMISE_OFTEN_CALLED : COMPILE_QUICKLY) setFlagsFromString(flag);
    worker.postMessage(task, [port2]);
    const [result]: DumpResult[] = await once(worker, "message");
    if (result === undefined) throw new DumpFailure("pg_dump ended without an answer", sqlState);
    if (result.failure !== null) throw new DumpFailure(result.failure, sqlState);
    output.addWhatWaits(port1);
    if (!output.isWhole) throw new DumpFailure("pg_dump ended before its dump did", sqlState);
    if (output.length < LARGE_DUMP) atWork.delete(worker);
  } finally {
    const { conversation, relay } = await server;
    await relay.finish();
    conversation.release();
    port1.close();
    for (const flag of COMPILE_AS_USUAL) setFlagsFromString(flag);
  }
}

const LAST_WORDS = /\n-- PostgreSQL database dump complete\n--\n\n(?:\\unrestrict \w+\n\n)?$/;
const LAST_WORDS_LENGTH = 200;

/** Makes text of what pg_dump writes. */
class Output {
  readonly #decoder = new StringDecoder("utf8");
  #length = 0;
  #lastWords = "";

  constructor(private readonly take: (text: string) => void) {}

  get length(): number {
    return this.#length;
  }

  /** A part of a dump would pass for a smaller schema. */
  get isWhole(): boolean {
    return LAST_WORDS.test(this.#lastWords);
  }

  add({ written }: DumpOutput): void {
    this.#length += written.length;
    const text = this.#decoder.write(Buffer.from(written.buffer));
    this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS_LENGTH);
    this.take(text);
  }

  /** pg_dump has ended, and its last words may not have been told yet. */
  addWhatWaits(port: MessagePort): void {
    for (;;) {
      const next: { message: DumpRequest | DumpOutput } | undefined = receiveMessageOnPort(port);
      if (next === undefined) return;
      if ("written" in next.message) this.add(next.message);
    }
  }
}

/** From here on the connection's bytes are pg_dump's. */
function talkTo(client: Client, { company, major, tell = () => undefined }: DumpRun) {
  const conversation = new Conversation(client);
  const relay =
    company === undefined ? new AskingAhead(conversation, tell) : new Relay(conversation, company, major);
  return { conversation, relay };
}

const QUERY = "Q".charCodeAt(0);
const TERMINATE = "X".charCodeAt(0);

function typeOf(bytes: Uint8Array): number | undefined {
  return bytes[0];
}

/** What would end or change a transaction that is not pg_dump's own, and how long it may be kept waiting. */
const NOT_FOR_THE_SERVER =
  /^(BEGIN|SET)\b(?=$|;| TRANSACTION | (?:statement|lock|transaction|idle_in_transaction_session)_timeout )/;

/** The answer to a statement that the server is not to see, as it would give it in a transaction; else null. */
function answeredHere(bytes: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (typeOf(bytes) !== QUERY) return null;
  const [, tag] = NOT_FOR_THE_SERVER.exec(textOf(bytes)) ?? [];
  if (tag === undefined) return null;
  return new Uint8Array(Buffer.concat([message("C", `${tag}\0`), message("Z", "T")]));
}
