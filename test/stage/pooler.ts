/**
 * A connection pooler. In transaction mode a session keeps a connection to the server only while a transaction is
 * open; in statement mode for one statement, and one that begins a transaction ends the session.
 */
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type Client, type ConnectionSettings, connect } from "#src/postgres/connection.js";

/** What follows a login that needs no password: AuthenticationOk, a key of the pooler's own, ReadyForQuery. */
const WELCOME = Buffer.from([
  ...[0x52, 0, 0, 0, 8, 0, 0, 0, 0],
  ...[0x4b, 0, 0, 0, 12, 0, 0, 0, 1, 0, 0, 0, 2],
  ...[0x5a, 0, 0, 0, 5, 0x49],
]);
const IDLE = 0x49;

/** As PgBouncer has it: what it says in place of the answer, before it closes both connections. */
const NO_TRANSACTIONS = errorOf({
  S: "FATAL",
  C: "08P01",
  M: "transaction blocks not allowed in statement pooling mode",
});

/** https://www.postgresql.org/docs/current/protocol-error-fields.html */
function errorOf(fields: Readonly<Record<string, string>>): Buffer {
  const text = Object.entries(fields).map(([field, value]) => `${field}${value}\0`);
  const message = Buffer.from(`E\0\0\0\0${text.join("")}\0`);
  message.writeUInt32BE(message.length - 1, 1);
  return message;
}

export type PoolMode = "transaction" | "statement";

export interface Pooler {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startPooler(to: ConnectionSettings, mode: PoolMode): Promise<Pooler> {
  const free: Client[] = [await connect(to), await connect(to)];
  const all = [...free];
  const clients = new Set<Socket>();
  const listener = createServer((client) => {
    clients.add(client);
    client.on("error", () => undefined);
    new PooledSession(client, free, mode);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    async stop() {
      for (const client of clients) client.destroy();
      listener.close();
      for (const { connection } of all) connection.stream.destroy();
    },
  };
}

class PooledSession {
  #rest = Buffer.alloc(0);
  #begun = false;
  #server: Client | undefined;
  #answer = Buffer.alloc(0);

  constructor(
    private readonly client: Socket,
    private readonly free: Client[],
    private readonly mode: PoolMode,
  ) {
    client.on("data", (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      while (this.#forward());
    });
  }

  /** @returns whether a message was whole */
  #forward(): boolean {
    const header = this.#begun ? 5 : 4;
    if (this.#rest.length < header) return false;
    const length = this.#rest.readUInt32BE(header - 4) + header - 4;
    if (this.#rest.length < length) return false;
    const message = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    if (!this.#begun) {
      this.#begun = true;
      this.client.write(WELCOME);
    } else if (message[0] !== "X".charCodeAt(0)) {
      this.#server ??= this.#take();
      this.#server.connection.stream.write(message);
    }
    return true;
  }

  #take(): Client {
    const server = this.free.pop();
    if (server === undefined) throw new Error("the pool is exhausted");
    const { stream } = server.connection;
    stream.removeAllListeners("data");
    stream.on("data", (chunk: Buffer) => {
      this.#answer = Buffer.concat([this.#answer, chunk]);
      const state = endOf(this.#answer);
      if (state === undefined) return;
      if (state !== IDLE && this.mode === "statement") {
        this.client.end(NO_TRANSACTIONS);
        stream.destroy();
        return;
      }
      this.client.write(this.#answer);
      this.#answer = Buffer.alloc(0);
      if (state !== IDLE) return;
      this.#server = undefined;
      this.free.push(server);
    });
    return server;
  }
}

/** The transaction's state in the ReadyForQuery that an answer ends with. */
function endOf(answer: Buffer): number | undefined {
  let last = 0;
  let offset = 0;
  while (offset + 5 <= answer.length) {
    last = offset;
    offset += 1 + answer.readUInt32BE(offset + 1);
  }
  const whole = offset === answer.length && answer[last] === "Z".charCodeAt(0);
  return whole ? answer[last + 5] : undefined;
}
