/** The script of a table, from the many statements that pg_dump makes of one. */
import { readable } from "../../schema/names.js";
import type { Parser } from "../../schema/parser.js";
import type { DumpStatement } from "../../schema/statements/dump-statements.js";
import { listAt, namesIn, objectAt, stringAt, type TreeObject, unwrap } from "../../schema/tree.js";
import { type Column, identityClause, serialFor } from "./columns.js";
import { TableElements } from "./elements.js";
import { changing, creating, identifiersIn, type Unit } from "./gather.js";
import type { Groups } from "./script.js";
import { nextvalOf, ownedBy, shortSequence } from "./sequences.js";
import { SqlText } from "./text.js";

/** What a table's script is made of. */
export interface TableParts {
  readonly table: Unit;
  /** The sequences that its columns own. */
  readonly sequences: readonly OwnedUnit[];
  readonly apart: Apart;
  /** REVOKE and GRANT that go with the table, not with a role. */
  readonly privileges: readonly string[];
}

/** What of a table has files of its own, by readable names. */
export interface Apart {
  readonly constraints: ReadonlySet<string>;
  readonly indexes: ReadonlySet<string>;
}

/** A sequence that a column owns. */
export interface OwnedUnit {
  readonly unit: Unit;
  /** Whether others need it too, so that it has a file of its own. */
  readonly isShared: boolean;
}

interface OwnSequence {
  readonly create: DumpStatement;
  /** The column. */
  readonly owner: string | null;
  /** `ALTER SEQUENCE … OWNED BY`, and what else changes it. */
  readonly changes: readonly string[];
  readonly comments: readonly string[];
  readonly isShared: boolean;
  /** Whether the column's type says all of it. */
  isSerial: boolean;
}

/** Writes the script of a table: what can stand in CREATE TABLE stands there. */
export class TableScript {
  /** Defaults that need what needs the table; they can only be set when all is there. */
  readonly lateDefaults: string[] = [];
  private readonly elements: TableElements;
  private readonly sequences: ReadonlyMap<string, OwnSequence>;
  private readonly uniqueKeys: ReadonlySet<string>;
  private readonly alterations: string[] = [];
  private readonly indexes: string[] = [];
  private readonly afterIndexes: string[] = [];
  private readonly statistics: string[] = [];
  private readonly attachments: string[] = [];
  private readonly rowSecurity: string[] = [];
  private readonly comments: string[] = [];

  constructor(
    private readonly parser: Parser,
    private readonly parts: TableParts,
  ) {
    const create = creating(parts.table);
    const statements = changing(parts.table);
    if (create === undefined) throw new RangeError("a table that nothing makes");
    this.elements = new TableElements(parser, create);
    this.sequences = new Map(
      parts.sequences.map((owned) => [nameKey(owned.unit.name?.parts ?? []), ownSequence(owned)]),
    );
    this.uniqueKeys = new Set(statements.map(constraintOf).filter(isUnique).map(keyColumns));
    for (const statement of statements) this.add(statement);
  }

  /** The statements in the order of the script. */
  groups(): Groups {
    const sequences = [...this.sequences.values()];
    const explicit = sequences.filter(({ isSerial }) => !isSerial);
    const inside = sequences.filter(({ isShared }) => !isShared);
    return [
      explicit.filter(({ isShared }) => !isShared).map(({ create }) => shortSequence(create.sql)),
      [this.elements.statement()],
      explicit.flatMap(({ changes }) => changes),
      this.alterations,
      this.indexes,
      this.afterIndexes,
      this.statistics,
      this.attachments,
      this.rowSecurity,
      [...this.comments, ...inside.flatMap(({ comments }) => comments)],
      this.parts.privileges,
    ];
  }

  private add(statement: DumpStatement): void {
    const { kind, sql } = statement;
    const { constraints, indexes } = this.parts.apart;
    if (indexes.has(indexSpokenOf(statement)) || constraints.has(commentedConstraint(statement))) return;
    if (kind === "IndexStmt") this.indexes.push(this.onWhole(statement));
    else if (kind === "CreateStatsStmt" || kind === "AlterStatsStmt") this.statistics.push(sql);
    else if (kind === "AlterTableStmt") this.alter(statement);
    else (isComment(statement) ? this.comments : this.alterations).push(sql);
  }

  private alter(statement: DumpStatement): void {
    const { sql, tree } = statement;
    const subtype = stringAt(commandOf(tree), "subtype") ?? "";
    const isOnIndex = stringAt(tree, "objtype") === "OBJECT_INDEX";
    if (subtype === "AT_AttachPartition") {
      // With a table that is attached go its indexes that match those of the table above.
      if (!isOnIndex) this.attachments.push(sql);
    } else if (isOnIndex || AFTER_INDEXES.has(subtype)) this.afterIndexes.push(sql);
    else if (ROW_SECURITY.has(subtype)) this.rowSecurity.push(sql);
    else if (subtype === "AT_AddConstraint") this.addConstraint(statement);
    else if (subtype === "AT_ColumnDefault") this.setDefault(statement);
    else if (subtype === "AT_AddIdentity") this.addIdentity(statement);
    else this.alterations.push(sql);
  }

  /** `ON ONLY` a table with partitions says that it has some, and it has none when its script runs. */
  private onWhole({ sql, tree, start }: DumpStatement): string {
    const relation = objectAt(tree, "relation");
    if (relation.inh === true) return sql;
    const text = new SqlText(this.parser, sql);
    const at = Number(relation.location) - start;
    const only = text.tokens.findLast(({ end }) => end <= at);
    return only === undefined ? sql : text.with([{ start: only.start, end: at, text: "" }]);
  }

  private addConstraint(statement: DumpStatement): void {
    const constraint = constraintOf(statement);
    if (this.parts.apart.constraints.has(constraintName(constraint))) return;
    const place = stringAt(constraint, "contype") === "CONSTR_PRIMARY" ? "first" : "last";
    const stands =
      constraint.skip_validation !== true &&
      this.isMet(constraint) &&
      this.elements.addConstraint(constraintClause(this.parser, statement), place);
    if (!stands) this.afterIndexes.push(statement.sql);
  }

  /** A foreign key to the table itself needs the unique key there, which may be an index made later on. */
  private isMet(constraint: TreeObject): boolean {
    const target = referencedTable(constraint);
    const isOwn = target !== null && nameKey(target) === nameKey(this.parts.table.name?.parts ?? []);
    return !isOwn || this.uniqueKeys.has([...namesIn(listAt(constraint, "pk_attrs"))].sort().join("\0"));
  }

  private columnOf(tree: TreeObject): Column {
    const [schema = "", table = ""] = this.parts.table.name?.parts ?? [];
    return { schema, table, column: stringAt(commandOf(tree), "name") ?? "" };
  }

  private addIdentity(statement: DumpStatement): void {
    const column = this.columnOf(statement.tree);
    const clause = identityClause(this.parser, statement, column);
    if (!this.elements.setIdentity(column.column, clause)) this.alterations.push(statement.sql);
  }

  private setDefault({ sql, tree }: DumpStatement): void {
    const of = this.columnOf(tree);
    const sequence = this.sequences.get(nameKey(identifiersIn(nextvalOf(commandOf(tree).def))));
    if (!this.elements.hasColumn(of.column)) this.alterations.push(sql);
    // pg_dump leaves a default for later where the function in it needs the table.
    else if (sequence === undefined) this.lateDefaults.push(sql);
    else if (!this.setSerial(of, sequence))
      this.elements.setDefault(of.column, defaultClause(this.parser, sql));
  }

  private setSerial(of: Column, sequence: OwnSequence): boolean {
    const type = this.elements.plainType(of.column);
    const isOnlyOwned = sequence.owner === of.column && sequence.changes.length === 1 && !sequence.isShared;
    const serial = type !== null && isOnlyOwned ? serialFor(sequence.create, of, type) : null;
    if (serial === null) return false;
    this.elements.setSerial(of.column, serial);
    sequence.isSerial = true;
    return true;
  }
}

const AFTER_INDEXES: ReadonlySet<string> = new Set(["AT_ClusterOn", "AT_ReplicaIdentity"]);
const ROW_SECURITY: ReadonlySet<string> = new Set([
  "AT_EnableRowSecurity",
  "AT_ForceRowSecurity",
  "AT_NoForceRowSecurity",
]);

function ownSequence({ unit, isShared }: OwnedUnit): OwnSequence {
  const create = creating(unit);
  const others = changing(unit);
  if (create === undefined) throw new RangeError("a sequence that nothing makes");
  const changes = others.filter((statement) => !isComment(statement));
  const owner = changes.map(({ tree }) => ownedBy(tree)).find((owned) => owned !== null);
  return {
    create,
    owner: owner?.column ?? null,
    changes: changes.map(({ sql }) => sql),
    comments: others.filter(isComment).map(({ sql }) => sql),
    isShared,
    isSerial: false,
  };
}

/** Tells names apart as the catalog does. */
export function nameKey(parts: readonly string[]): string {
  return parts.join("\0");
}

/** What an ALTER TABLE of pg_dump's does: one thing. */
function commandOf(tree: TreeObject): TreeObject {
  return unwrap(listAt(tree, "cmds")[0])[1];
}

/** The constraint that `ALTER TABLE … ADD` adds; without a field for any other statement. */
export function constraintOf({ kind, tree }: DumpStatement): TreeObject {
  const command = commandOf(tree);
  const isAdded = kind === "AlterTableStmt" && stringAt(command, "subtype") === "AT_AddConstraint";
  return isAdded ? unwrap(command.def)[1] : {};
}

/** A constraint's name, readable. */
export function constraintName(constraint: TreeObject): string {
  return readable(stringAt(constraint, "conname") ?? "");
}

function isUnique(constraint: TreeObject): boolean {
  return ["CONSTR_PRIMARY", "CONSTR_UNIQUE"].includes(stringAt(constraint, "contype") ?? "");
}

/** The columns of a key, in no order. */
function keyColumns(constraint: TreeObject): string {
  return namesIn(listAt(constraint, "keys")).sort().join("\0");
}

/** The table that a foreign key refers to, as the catalog has its names; null for another constraint. */
export function referencedTable(constraint: TreeObject): readonly [schema: string, table: string] | null {
  if (stringAt(constraint, "contype") !== "CONSTR_FOREIGN") return null;
  const target = objectAt(constraint, "pktable");
  return [stringAt(target, "schemaname") ?? "", stringAt(target, "relname") ?? ""];
}

/** A constraint as it stands behind `ALTER TABLE … ADD`. */
function constraintClause(parser: Parser, statement: DumpStatement): string {
  const at = Number(constraintOf(statement).location) - statement.start;
  return new SqlText(parser, statement.sql).slice(at);
}

/** `DEFAULT` and what follows, of `ALTER TABLE … ALTER COLUMN … SET DEFAULT …`. */
function defaultClause(parser: Parser, sql: string): string {
  const text = new SqlText(parser, sql);
  const word = text.tokens.find(
    (token, index) => token.text === "DEFAULT" && text.tokens[index - 1]?.text === "SET",
  );
  return text.slice(word?.start ?? 0);
}

/** COMMENT and SECURITY LABEL. */
export function isComment({ kind }: DumpStatement): boolean {
  return kind === "CommentStmt" || kind === "SecLabelStmt";
}

/** The readable name of the index that a statement makes, changes or tells of; empty for another one. */
export function indexSpokenOf({ kind, tree, fragments }: DumpStatement): string {
  if (kind === "IndexStmt") return readable(stringAt(tree, "idxname") ?? "");
  const [about] = fragments;
  return about?.of.space === "index" ? about.of.name : "";
}

/** The readable name of the constraint that a comment is on; empty where it is on something else. */
export function commentedConstraint({ fragments }: DumpStatement): string {
  return / on constraint (.*)$/s.exec(fragments[0]?.part ?? "")?.[1] ?? "";
}
