/** What changes a table into another of its name, its rows kept. */
import type { CreateStmt, Node } from "libpg-query";
import { quoteIdentifier } from "../../postgres/quote.js";
import type { Parser } from "../../schema/parser.js";
import { type Column, type TableBody, tableBody } from "./columns.js";
import { relationSql, typeSql } from "./names.js";
import type { Stated } from "./stated.js";
import { type Attempt, onlyBy, plainly, type Way } from "./written.js";

/** The name that a table is altered by. */
interface Altered {
  readonly about: string;
  /** `ALTER TABLE shop.orders`. */
  readonly alter: string;
}

/**
 * What changes one `CREATE TABLE` into another: columns, constraints, options. What cannot be altered, such as how
 * the table is partitioned, is left; see {@link isRebuilt}.
 */
export function changeTable(about: string, before: Stated, after: Stated, parser: Parser): Attempt[] {
  const [old, now] = [createIn(before.node), createIn(after.node)];
  if (old === undefined || now === undefined) return [];
  const kind = "CreateForeignTableStmt" in after.node ? "FOREIGN TABLE" : "TABLE";
  const altered = { about, alter: `ALTER ${kind} ${relationSql(now.relation)}` };
  const [was, is] = [tableBody(before.text, parser), tableBody(after.text, parser)];
  const origin = [...parents(altered, old, now), ...rowType(altered, old, now)];
  // What a table has from elsewhere does not stand in its own statement, so that nothing can be said of its columns now.
  if (origin.length > 0) return origin;
  return [
    ...persistence(altered, old, now),
    ...dropConstraints(altered, was, is),
    ...changeColumns(altered, was, is),
    ...addConstraints(altered, was, is),
    ...options(altered, old.options ?? [], now.options ?? []),
  ];
}

export function createIn(node: Node): CreateStmt | undefined {
  if ("CreateStmt" in node) return node.CreateStmt;
  return "CreateForeignTableStmt" in node ? node.CreateForeignTableStmt.base : undefined;
}

function persistence({ about, alter }: Altered, old: CreateStmt, now: CreateStmt): Attempt[] {
  const [was, is] = [old.relation?.relpersistence, now.relation?.relpersistence];
  return was === is ? [] : [onlyBy(about, `${alter} SET ${is === "u" ? "UNLOGGED" : "LOGGED"}`)];
}

function dropConstraints({ about, alter }: Altered, was: TableBody, is: TableBody): Attempt[] {
  const gone = [...was.constraints].filter(([name, text]) => is.constraints.get(name) !== text);
  return gone.map(([name]) => onlyBy(about, `${alter} DROP CONSTRAINT ${quoteIdentifier(name)}`));
}

function addConstraints({ about, alter }: Altered, was: TableBody, is: TableBody): Attempt[] {
  const come = [...is.constraints].filter(([name, text]) => was.constraints.get(name) !== text);
  return come.map(([, text]) => onlyBy(about, `${alter} ADD ${text}`));
}

function changeColumns(altered: Altered, was: TableBody, is: TableBody): Attempt[] {
  const { about, alter } = altered;
  const dropped = [...was.columns.keys()].filter((name) => !is.columns.has(name));
  const added = [...is.columns.values()].filter(({ name }) => !was.columns.has(name));
  const kept = [...is.columns.values()].flatMap((now) => {
    const old = was.columns.get(now.name);
    return old === undefined || old.text === now.text ? [] : changeColumn(altered, old, now);
  });
  return [
    ...dropped.map((name) => onlyBy(about, `${alter} DROP COLUMN ${quoteIdentifier(name)}`)),
    ...kept,
    ...added.map(({ text }) => onlyBy(about, `${alter} ADD COLUMN ${text}`)),
  ];
}

/** What changes a column, its values kept as far as a cast can keep them. */
export function changeColumn(altered: Altered, old: Column, now: Column): Attempt[] {
  const { about, alter } = altered;
  const column = `${alter} ALTER COLUMN ${quoteIdentifier(now.name)}`;
  const attempts: Attempt[] = [];
  const to = (sql: string) => attempts.push(onlyBy(about, `${column} ${sql}`));
  if (old.notNull !== null && old.notNull !== now.notNull) to("DROP NOT NULL");
  if (old.generated !== now.generated) attempts.push(...changeGenerated(altered, old, now));
  if (old.type !== now.type || old.collation !== now.collation)
    attempts.push({ about, ways: typeWays(column, old, now) });
  const remade = old.type !== now.type && old.fallback !== null;
  if (now.fallback !== null && (now.fallback !== old.fallback || remade)) to(`SET DEFAULT ${now.fallback}`);
  if (now.fallback === null && old.fallback !== null) to("DROP DEFAULT");
  if (now.notNull !== null && old.notNull !== now.notNull) {
    const [, name] = /^CONSTRAINT\s+(\S.*?)\s+NOT NULL/s.exec(now.notNull) ?? [];
    const named = `${alter} ADD CONSTRAINT ${name} NOT NULL ${quoteIdentifier(now.name)}${/NO INHERIT/.test(now.notNull) ? " NO INHERIT" : ""}`;
    if (name === undefined) to("SET NOT NULL");
    else attempts.push({ about, ways: [[plainly(named)], [plainly(`${column} SET NOT NULL`)]] });
  }
  return attempts;
}

/** By assignment where that goes, by a cast, by way of text. A default is in the way where it cannot be cast. */
function typeWays(column: string, old: Column, now: Column): Way[] {
  const name = quoteIdentifier(now.name);
  const type = `${column} TYPE ${now.type}${now.collation === "" ? "" : ` ${now.collation}`}`;
  const ways = [type, `${type} USING ${name}::${now.type}`, `${type} USING ${name}::text::${now.type}`];
  const withDefault = old.fallback === null ? [] : ways.map((way) => [`${column} DROP DEFAULT`, way]);
  return [...ways.map((way) => [way]), ...withDefault].map((way) => way.map((sql) => plainly(sql)));
}

/** An expression can be changed (17 and later) or dropped; a column of values cannot become one of an expression. */
function changeGenerated({ about, alter }: Altered, old: Column, now: Column): Attempt[] {
  const name = quoteIdentifier(now.name);
  const anew = [plainly(`${alter} DROP COLUMN ${name}`), plainly(`${alter} ADD COLUMN ${now.text}`)];
  if (now.generated === null)
    return [{ about, ways: [[plainly(`${alter} ALTER COLUMN ${name} DROP EXPRESSION`)]] }];
  if (old.generated === null) return [];
  const [, expression = ""] =
    /^GENERATED ALWAYS AS (\(.*\))(?: STORED| VIRTUAL)?$/s.exec(now.generated) ?? [];
  const isStored = (column: Column) => column.generated?.endsWith("STORED") === true;
  const changed = [plainly(`${alter} ALTER COLUMN ${name} SET EXPRESSION AS ${expression}`)];
  // What is computed can be computed again, so that nothing is lost with the column.
  return [{ about, ways: isStored(old) === isStored(now) ? [changed, anew] : [anew] }];
}

function parents({ about, alter }: Altered, old: CreateStmt, now: CreateStmt): Attempt[] {
  const names = (create: CreateStmt) =>
    (create.inhRelations ?? []).flatMap((node) => ("RangeVar" in node ? [relationSql(node.RangeVar)] : []));
  if (old.partbound !== undefined || now.partbound !== undefined) return [];
  const [was, is] = [names(old), names(now)];
  return [
    ...was.filter((name) => !is.includes(name)).map((name) => onlyBy(about, `${alter} NO INHERIT ${name}`)),
    ...is.filter((name) => !was.includes(name)).map((name) => onlyBy(about, `${alter} INHERIT ${name}`)),
  ];
}

function rowType({ about, alter }: Altered, old: CreateStmt, now: CreateStmt): Attempt[] {
  const [was, is] = [old, now].map(({ ofTypename }) =>
    ofTypename === undefined ? null : typeSql(ofTypename),
  );
  if (was === is) return [];
  return [onlyBy(about, is == null ? `${alter} NOT OF` : `${alter} OF ${is}`)];
}

function options({ about, alter }: Altered, old: readonly Node[], now: readonly Node[]): Attempt[] {
  const [was, is] = [optionsIn(old), optionsIn(now)];
  const gone = [...was.keys()].filter((name) => !is.has(name));
  const come = [...is].filter(([name, value]) => was.get(name) !== value);
  return [
    ...(gone.length === 0 ? [] : [onlyBy(about, `${alter} RESET (${gone.join(", ")})`)]),
    ...(come.length === 0
      ? []
      : [onlyBy(about, `${alter} SET (${come.map(([name, value]) => `${name}=${value}`).join(", ")})`)]),
  ];
}

/** Names and values as SQL. */
function optionsIn(nodes: readonly Node[]): Map<string, string> {
  return new Map(
    nodes.flatMap((node): [string, string][] => {
      if (!("DefElem" in node)) return [];
      const { defnamespace, defname = "", arg } = node.DefElem;
      const name = defnamespace === undefined ? defname : `${defnamespace}.${defname}`;
      return [[name, `'${optionText(arg).replaceAll("'", "''")}'`]];
    }),
  );
}

function optionText(arg: Node | undefined): string {
  if (arg === undefined) return "true";
  if ("String" in arg) return arg.String.sval ?? "";
  if ("Integer" in arg) return String(arg.Integer.ival ?? 0);
  if ("Float" in arg) return arg.Float.fval ?? "";
  return "TypeName" in arg
    ? (arg.TypeName.names ?? [])
        .flatMap((name) => ("String" in name ? [name.String.sval ?? ""] : []))
        .join(".")
    : "";
}
