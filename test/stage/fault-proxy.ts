/** Stands between a deploy and its server, counts what is asked, and strikes at one question. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { ConnectionSettings } from "#src/postgres/connection.js";

/** A question that the server answers, or the end of a session. */
export interface Question {
  /** What is asked, in a few words. */
  readonly label: string;
  /** Whether pg_dump asks: it only reads. */
  readonly dump: boolean;
}

/** Where to strike: at the question of this number, from 1. */
export interface Fault {
  readonly at: number;
  /** Before the server sees the question, or after it has answered and before anybody hears. */
  readonly when: "before" | "after";
  /** Called instead of passing on what comes; the proxy has cut all connections by the time it is called, or cuts them after. */
  readonly strike: () => void;
}

/** Messages that the server answers, and the good-bye: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const ASKING = new Set(["Q", "S", "F", "p", "X"]);

export class FaultProxy {
  readonly questions: Question[] = [];
  struck = false;
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly listener: Server,
    private readonly fault: Fault | null,
  ) {}

  static async start(to: ConnectionSettings, fault: Fault | null): Promise<FaultProxy> {
    // What waits to be sent together with more waits for a 25th of a second at every question.
    const listener = createServer({ noDelay: true });
    const proxy = new FaultProxy(listener, fault);
    listener.on("connection", (client) => proxy.#serve(client, to));
    listener.listen(0, "127.0.0.1");
    await once(listener, "listening");
    return proxy;
  }

  get port(): number {
    const address: string | AddressInfo | null = this.listener.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return address.port;
  }

  async stop(): Promise<void> {
    this.#cutAll();
    this.listener.close();
    await once(this.listener, "close");
  }

  #cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #strike(): void {
    this.struck = true;
    this.fault?.strike();
    this.#cutAll();
  }

  #serve(client: Socket, to: ConnectionSettings): void {
    const server = connect({ port: to.port ?? 5432, host: to.host ?? "127.0.0.1", noDelay: true });
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      // A connection that is cut ends with an error on either side; the other side learns of it by the close below.
      socket.on("error", () => undefined);
    }
    client.on("close", () => server.end());
    server.on("close", () => client.end());
    const cutter = new Questions();
    let strikesAfterAnswer = false;
    let answer = Buffer.alloc(0);
    client.on("data", (chunk: Buffer) => {
      for (const { bytes, question } of cutter.add(chunk)) {
        if (this.struck) return;
        if (question !== null) this.questions.push(question);
        const here = question !== null && this.questions.length === this.fault?.at;
        if (here && this.fault?.when === "before") return this.#strike();
        if (here && question.label === "good-bye") {
          // Nobody answers a good-bye. The deploy may end before it has gone out, so the strike counts already.
          this.struck = true;
          server.write(bytes, () => this.#strike());
          return;
        }
        server.write(bytes);
        if (here) strikesAfterAnswer = true;
      }
    });
    server.on("data", (chunk: Buffer) => {
      if (this.struck) return;
      if (!strikesAfterAnswer) return void client.write(chunk);
      answer = Buffer.concat([answer, chunk]);
      if (isWhole(answer)) this.#strike();
    });
  }
}

/** Whether an answer has come to its end: ReadyForQuery, or a question of the login back. */
function isWhole(answer: Buffer): boolean {
  let last = "";
  let offset = 0;
  while (offset + 5 <= answer.length) {
    last = String.fromCharCode(answer.readUInt8(offset));
    offset += 1 + answer.readUInt32BE(offset + 1);
  }
  return offset === answer.length && ["Z", "R", "E"].includes(last);
}

/** Cuts what a client sends into questions. */
class Questions {
  #rest = Buffer.alloc(0);
  #begun = false;
  #dumping = false;
  #label = "";

  add(chunk: Buffer): { bytes: Buffer; question: Question | null }[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const found: { bytes: Buffer; question: Question | null }[] = [];
    for (let frame = this.#next(); frame !== null; frame = this.#next()) found.push(frame);
    return found;
  }

  #next(): { bytes: Buffer; question: Question | null } | null {
    const header = this.#begun ? 5 : 4;
    if (this.#rest.length < header) return null;
    const length = this.#rest.readUInt32BE(header - 4) + header - 4;
    if (this.#rest.length < length) return null;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    const type = this.#begun ? String.fromCharCode(bytes.readUInt8(0)) : "startup";
    this.#begun = true;
    return { bytes, question: this.#questionOf(type, bytes) };
  }

  #questionOf(type: string, bytes: Buffer): Question | null {
    if (type === "startup") return { label: "login", dump: false };
    const text = bytes.subarray(5).toString("latin1").replaceAll("\0", " ").replaceAll(/\s+/g, " ").trim();
    if (type === "P") this.#label = text;
    if (!ASKING.has(type)) return null;
    if (type === "Q") {
      if (text.startsWith("SELECT pg_catalog.set_config('search_path', '', false)")) this.#dumping = true;
      if (text.startsWith("ROLLBACK TO SAVEPOINT wov_dump")) this.#dumping = false;
    }
    const label = { Q: text, S: this.#label, p: "password", X: "good-bye", F: "function" }[type] ?? type;
    return { label: label.slice(0, 300), dump: this.#dumping && type === "Q" };
  }
}
