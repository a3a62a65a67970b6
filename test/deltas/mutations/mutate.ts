/** Deltas that are wrong in one place: a statement is taken out, put in, or says something else. */
import { checkDeltas } from "#src/deltas/check.js";
import { loadParser } from "#src/schema/parser.js";

export interface Mutation {
  readonly how: "removed" | "added" | "altered";
  /** The statement that is wrong: what was taken out or put in, or what it says now. */
  readonly statement: string;
  /** What it says in the right deltas; empty where it was put in. */
  readonly was: string;
  /** All of the wrong deltas. */
  readonly deltas: string;
}

/** The statements of deltas. */
export async function statementsOf(deltas: string): Promise<string[]> {
  return (await checkDeltas(Buffer.from(deltas), "deltas")).statements.map(({ text }) => text);
}

/** Every statement taken out, every one said otherwise as far as that goes, and one more put in. */
export async function mutationsOf(statements: readonly string[], table: string): Promise<Mutation[]> {
  const parser = await loadParser();
  const parses = (sql: string) => {
    try {
      return parser.parse(sql).stmts?.length === 1;
    } catch {
      return false;
    }
  };
  const more = `ALTER TABLE ${table} ADD COLUMN surplus_column integer`;
  return [
    ...statements.map((was, index) => ({
      how: "removed" as const,
      was,
      statement: was,
      deltas: textOf(statements.toSpliced(index, 1)),
    })),
    ...statements.flatMap((was, index) => {
      const statement = alterations(was).find(parses);
      if (statement === undefined) return [];
      return [{ how: "altered" as const, was, statement, deltas: textOf(statements.with(index, statement)) }];
    }),
    { how: "added", was: "", statement: more, deltas: textOf([...statements, more]) },
  ];
}

function textOf(statements: readonly string[]): string {
  return statements.map((sql) => `${sql};\n`).join("");
}

/** What somebody might have meant to write, or mistyped. */
const SLIPS: readonly (readonly [RegExp, string])[] = [
  [/\b(\d+)\b(?!.*\b\d+\b)/s, "1$1"],
  [/\bvarchar\b/, "char"],
  [/\bbigint\b/, "integer"],
  [/\binteger\b/, "bigint"],
  [/\btext\b/, "varchar"],
  [/\bnumeric\b/, "real"],
  [/ NOT NULL\b/, ""],
  [/\bCASCADE\b/, "RESTRICT"],
  [/\bSET NOT NULL\b/, "DROP NOT NULL"],
  [/\bENABLE\b/, "DISABLE"],
  [/\bSELECT\b/, "INSERT"],
  [/'(\w[^']*)'/, "'$1 more'"],
  [/\b(TO|ADD COLUMN|ADD CONSTRAINT|INDEX|TABLE|VIEW|TYPE|FUNCTION) (?!IF )(\w+)/, "$1 $2_x"],
];

function alterations(sql: string): string[] {
  return SLIPS.map(([pattern, instead]) => sql.replace(pattern, instead)).filter((text) => text !== sql);
}
