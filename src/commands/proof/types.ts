import type { ProjectDatabase } from "../../config/project.js";
import type { ConnectionSettings } from "../../postgres/connection.js";
import type { DeltasFile } from "../deploy/planned.js";
import type { SchemaText } from "../live-schema.js";
import type { ObjectScripts } from "../objects/scripts.js";
import type { Account } from "./account.js";

export interface ProofRequest {
  /** The schema that the deltas begin with; null for an empty database. */
  readonly from: SchemaText | null;
  /** The file that it stands in, for messages. */
  readonly fromFile?: string | undefined;
  readonly deltas: DeltasFile;
  /** Object scripts that are applied after the deltas; what they make again is dropped before them where it must. */
  readonly scripts?: ObjectScripts | null | undefined;
  /** The schema that they should lead to. */
  readonly to: SchemaText;
  readonly database: Pick<ProjectDatabase, "pgDump" | "schema">;
  /** A database on whose server the shadow is made where it may be; an embedded server serves otherwise. */
  readonly near?: ConnectionSettings | undefined;
  readonly progress: (doing: string) => void;
}

/** A statement that the shadow refuses. */
export interface RefusedStatement {
  /** File and line. */
  readonly where: string;
  /** Its beginning, in one line. */
  readonly statement: string;
  /** The server's own words. */
  readonly message: string;
  readonly hint: string | null;
}

export type Proof =
  | { readonly verdict: "proven" }
  | (Account & {
      readonly verdict: "refuted";
      /** The statement that ended it; then nothing is known of what is missed. */
      readonly failure: RefusedStatement | null;
      /** What the deltas lead to; null after a failure. */
      readonly result: SchemaText | null;
    })
  /** Nobody can say. Never to be taken for proven. */
  | { readonly verdict: "uncovered"; readonly reasons: readonly string[] };
