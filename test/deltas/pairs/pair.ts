/** Two schemas of which the one is made of the other by hand: what the tool is to write. */

export interface Pair {
  readonly name: string;
  /** SQL that makes the old schema; names without a schema are in one of the pair's own. */
  readonly old: string;
  /** SQL that makes the new one of it. */
  readonly change: string;
  /** Whether the two differ at all, true unless given. */
  readonly differs?: false;
  /** Rows of the old database, put in before the deltas are applied to it. */
  readonly rows?: string;
  /** What a query gives on it after the deltas; the columns of each row in their order. */
  readonly kept?: readonly (readonly [query: string, rows: readonly (readonly unknown[])[]])[];
  /** The ids of objects that are held open, by their end, where not all can be written. */
  readonly open?: readonly string[];
  /** What the way back holds open; null where the way back is not asked about. */
  readonly openBack?: readonly string[] | null;
  /** Whether possible renames are taken for such. */
  readonly renames?: "always";
  /** Whether the safer ways are to be written. */
  readonly online?: boolean;
  /** What the text of the deltas has to say. */
  readonly says?: readonly RegExp[];
  readonly saysNot?: readonly RegExp[];
}
