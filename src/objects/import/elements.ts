/** What stands between the parentheses of CREATE TABLE: columns and constraints, and what is added to them. */
import type { Parser } from "../../schema/parser.js";
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { listAt, stringAt, unwrap } from "../../schema/tree.js";
import { type Parentheses, SqlText } from "./text.js";

const NOT_NULL = " NOT NULL";
/** NOT NULL as the last of what is said of a column, with the name that PostgreSQL 18 gives it. */
const LAST_NOT_NULL = /(?: CONSTRAINT (?:"(?:[^"]|"")+"|\S+))? NOT NULL$/;

/** The elements of a `CREATE TABLE` that pg_dump wrote, to be added to. */
export class TableElements {
  private readonly text: SqlText;
  /** Null for a table without parentheses, one of a type that adds nothing to it. */
  private readonly list: Parentheses | null;
  private readonly elements: string[];
  /** Columns by name, and the number of their element. */
  private readonly columns = new Map<string, number>();

  constructor(
    parser: Parser,
    private readonly create: DumpStatement,
  ) {
    const { sql, tree } = create;
    this.text = new SqlText(parser, sql);
    const nodes = listAt(tree, "tableElts");
    const list = "ofTypename" in tree && nodes.length === 0 ? null : this.text.parentheses();
    this.list = list?.elements.length === nodes.length ? list : null;
    this.elements = [...(this.list?.elements ?? [])];
    for (const [index, node] of nodes.entries()) {
      const [kind, fields] = unwrap(node);
      const name = stringAt(fields, "colname");
      if (this.list !== null && kind === "ColumnDef" && name !== undefined) this.columns.set(name, index);
    }
  }

  /** Whether a column is defined here, not only inherited or part of the table's type. */
  hasColumn(column: string): boolean {
    return this.columns.has(column);
  }

  /**
   * Adds a constraint.
   *
   * @param place right behind the columns, or behind all that there is
   * @returns false where constraints cannot stand here
   */
  addConstraint(clause: string, place: "first" | "last"): boolean {
    if (this.list === null) return false;
    this.elements.splice(place === "first" ? this.columns.size : this.elements.length, 0, clause);
    return true;
  }

  /** Puts a clause behind a column's type: a default. */
  setDefault(column: string, clause: string): void {
    this.change(column, (element) => {
      const notNull = LAST_NOT_NULL.exec(element)?.[0] ?? "";
      return `${element.slice(0, element.length - notNull.length)} ${clause}${notNull}`;
    });
  }

  /**
   * Puts the clause of an identity behind a column, which takes no NULL then anyhow.
   *
   * @returns false where the column is not defined here
   */
  setIdentity(column: string, clause: string): boolean {
    this.change(column, (element) => {
      const notNull = LAST_NOT_NULL.exec(element)?.[0];
      return notNull === NOT_NULL
        ? `${element.slice(0, -NOT_NULL.length)} ${clause}`
        : `${element} ${clause}`;
    });
    return this.hasColumn(column);
  }

  /**
   * The type of a column of which no more is said than that it takes no NULL.
   *
   * @returns e.g. `integer`; null for any other column
   */
  plainType(column: string): string | null {
    const element = this.elements[this.columns.get(column) ?? -1] ?? "";
    return /^(?:"(?:[^"]|"")+"|\S+) (\S+) NOT NULL$/.exec(element)?.[1] ?? null;
  }

  /** Gives a column of which {@link plainType} knows the type a serial one. */
  setSerial(column: string, serial: string): void {
    this.change(column, (element) => element.slice(0, -NOT_NULL.length).replace(/\S+$/, serial));
  }

  private change(column: string, how: (element: string) => string): void {
    const index = this.columns.get(column);
    const element = this.elements[index ?? -1];
    if (index !== undefined && element !== undefined) this.elements[index] = how(element);
  }

  /** The statement, with the access method that pg_dump gave by a setting. */
  statement(): string {
    const { accessMethod } = this.create.entry;
    const tail = this.tailWith("partspec" in this.create.tree ? "heap" : accessMethod);
    if (this.list === null) return this.text.slice(0, this.tailStart()) + tail;
    const inside = this.elements.map((element) => `\n    ${element}`).join(",");
    return `${this.text.slice(0, this.list.start)}(${inside}\n)${tail}`;
  }

  private tailStart(): number {
    return this.list?.end ?? this.withClause()?.start ?? Number.MAX_SAFE_INTEGER;
  }

  /** `WITH (fillfactor='80')` behind the elements. */
  private withClause() {
    const { tokens } = this.text;
    return tokens.find(
      ({ text }, index) =>
        index > (this.list?.lastToken ?? 0) && /^with$/i.test(text) && tokens[index + 1]?.text === "(",
    );
  }

  private tailWith(accessMethod: string): string {
    const at = this.tailStart();
    if (accessMethod === "heap") return this.text.slice(at);
    const clause = this.withClause();
    const before = this.text.slice(at, clause?.start).trimEnd();
    const after = clause === undefined ? "" : `\n${this.text.slice(clause.start)}`;
    return `${before}\nUSING ${accessMethod}${after}`;
  }
}
