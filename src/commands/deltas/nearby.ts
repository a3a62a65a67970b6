/** Taking of large schemas only what a difference is about. */
import { type Neighbourhood, neighbourhoodOf } from "../../deltas/write/neighbourhood.js";
import { sayAllTheyDo } from "../../deltas/write/plain-statements.js";
import { archivedText } from "../../schema/archived.js";
import { readDump } from "../../schema/dump.js";
import type { Parser } from "../../schema/parser.js";
import { type SchemaText, schemaText } from "../live-schema.js";
import { type ProofRequest, prove, type ShadowServers } from "../proof.js";

/** In characters: what is smaller is loaded in no time. */
const LARGE_TEXT = 100_000;

/** Parts of two schemas which are the same in all that is left away. */
export interface NearbySchemas extends Pick<Neighbourhood, "isClosed"> {
  readonly from: SchemaText;
  readonly to: SchemaText;
}

/**
 * What the difference of two schemas is about.
 *
 * @param others SQL that is run besides
 * @param least how long the schemas are at least, in characters
 * @returns null where all of them is to be taken
 */
export function nearbySchemas(
  from: SchemaText,
  to: SchemaText,
  others: string,
  least = LARGE_TEXT,
): NearbySchemas | null {
  if (Math.min(from.text.length, to.text.length) < least) return null;
  const found = neighbourhoodOf(readDump(from.text), readDump(to.text), others);
  if (found === null) return null;
  const part = (dump: Neighbourhood["from"], { settings }: SchemaText) =>
    schemaText(archivedText(dump, settings), settings);
  return { from: part(found.from, from), to: part(found.to, to), isClosed: found.isClosed };
}

/**
 * Proves deltas of a large schema on the part that they are about, where what is left away cannot matter: it is the
 * same before and after, none of it speaks of what the deltas change, and they do nothing but what they say.
 *
 * @param least as of `nearbySchemas`
 * @returns whether that has proven them; if not, nothing is known of them
 */
export async function isProvenNearby(
  servers: ShadowServers,
  request: ProofRequest,
  parser: Parser,
  least = LARGE_TEXT,
): Promise<boolean> {
  const { from, to, deltas, scripts } = request;
  const sql = Buffer.from(deltas.content).toString();
  if (from === null || scripts != null || !sayAllTheyDo(sql, parser)) return false;
  const part = nearbySchemas(from, to, sql, least);
  if (part === null || !part.isClosed) return false;
  const { verdict } = await prove(servers, { ...request, from: part.from, to: part.to });
  return verdict === "proven";
}
