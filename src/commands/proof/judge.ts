/** Is what deltas lead to what they should lead to? */
import type { ShadowServer } from "../../postgres/shadow-servers.js";
import { compareSchemas } from "../compare.js";
import { planOfDeltas } from "../deploy/planned.js";
import { type SchemaText, schemaText } from "../live-schema.js";
import { tryOnShadow } from "../shadow-trial.js";
import { type Account, account } from "./account.js";
import type { Proof, ProofRequest } from "./types.js";

/** What was carried out, and where. */
interface Outcome {
  readonly result: SchemaText;
  readonly server: ShadowServer;
}

/**
 * Compares. Text answers first. What the database has kept from its parent, and the deltas have kept as well, is the
 * same however it is printed; what is left then is printed by one and the same server.
 */
export async function judge({ result, server }: Outcome, request: ProofRequest): Promise<Proof> {
  const { from, to, progress } = request;
  if (result.sha256 === to.sha256) return { verdict: "proven" };
  const [reached, live] = await Promise.all([result.canonical(), to.canonical()]);
  if (reached.checksum === live.checksum) return { verdict: "proven" };
  const parent = await (from ?? schemaText("", to.settings)).canonical();
  const schemas = { parent, before: parent, result: reached, live, printed: { result: reached, live } };
  const first = account(schemas);
  const before = first.surplus.length === 0 ? parent : await (await beginning(server, request)).canonical();
  const second = before === parent ? first : account({ ...schemas, before });
  if (isNothing(second)) return { verdict: "proven" };
  const compared = await compareSchemas(result, to, { server, progress });
  if (!compared.differs) return { verdict: "proven" };
  if (compared.undecided !== null) return { verdict: "uncovered", reasons: [compared.undecided] };
  const printed = { result: compared.from, live: compared.to };
  const found = account({ ...schemas, before, printed });
  return isNothing(found) ? { verdict: "proven" } : { verdict: "refuted", failure: null, result, ...found };
}

function isNothing({ missed, surplus }: Account): boolean {
  return missed.length + surplus.length === 0;
}

/** The schema before the deltas, as the shadow's server prints it. */
async function beginning(server: ShadowServer, request: ProofRequest): Promise<SchemaText> {
  const { from, database, near } = request;
  const [schema] = await tryOnShadow(server, {
    from: { sql: from?.text ?? "", name: "the schema before the deltas" },
    plans: [await planOfDeltas("nothing", { file: "nothing", content: new Uint8Array() })],
    database,
    called: near?.database,
  });
  if (schema === undefined) throw new RangeError("there is a schema after each plan");
  return schema;
}
