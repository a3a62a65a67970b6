/** What the matrix found, for the one who ran it and for docs/schema-identity.md. */
import { differencesOf, type Findings, PLAIN_CHECKSUMS, pairsApart, sha256 } from "./readings.js";

/** Prints what was found of one schema. @returns whether all readings have one checksum and all moves are the same */
export function isOne({ source, readings, moves }: Findings): boolean {
  const [first, ...others] = readings;
  if (first === undefined) return false;
  const different = others.filter(({ schema }) => schema.checksum !== first.schema.checksum);
  const warnings = readings.flatMap(({ from, schema }) =>
    schema.warnings.map((warning) => `${from}: ${warning}`),
  );
  const differing = moves.filter(({ sameBy }) => sameBy === null);
  const ok = different.length === 0 && warnings.length === 0 && differing.length === 0;
  const asked = moves.filter(({ sameBy }) => sameBy === "server");
  const size = `${first.schema.objects.size} objects, ${readings.length} readings, ${moves.length} moves`;
  console.log(`${ok ? "ok  " : "FAIL"} ${source.name}: ${size}, ${first.schema.checksum}`);
  for (const { from, differences } of asked) {
    console.log(`     a server was asked: ${from}`);
    for (const line of differences) console.log(`       ${line}`);
  }
  for (const warning of warnings) console.log(`     ${warning}`);
  for (const { from, schema } of different) {
    console.log(`     ${first.from} and ${from} differ:`);
    for (const line of differencesOf(first.schema, schema)) console.log(`       ${line}`);
  }
  for (const { from, differences } of differing) {
    console.log(`     ${from}:`);
    for (const line of differences) console.log(`       ${line}`);
  }
  return ok;
}

/** One row of the table of pairs. */
interface Row {
  readonly name: string;
  readonly objects: number;
  readonly readings: number;
  readonly pairs: number;
  /** For each of `PLAIN_CHECKSUMS`, then for the canonical form. */
  readonly apart: readonly number[];
}

function rowOf({ source, readings }: Findings): Row {
  const count = readings.length;
  const plain = PLAIN_CHECKSUMS.map(([, clean]) =>
    pairsApart(readings.map(({ dump }) => sha256(clean(dump)))),
  );
  return {
    name: source.name,
    objects: readings[0]?.schema.objects.size ?? 0,
    readings: count,
    pairs: (count * (count - 1)) / 2,
    apart: [...plain, pairsApart(readings.map(({ schema }) => schema.checksum))],
  };
}

/** The pairs that each kind of checksum tells apart, as a table in Markdown. */
export function tableOfPairs(findings: readonly Findings[]): string {
  const rows = findings.map(rowOf);
  const sum = (pick: (row: Row) => number) => rows.reduce((total, row) => total + pick(row), 0);
  const total: Row = {
    name: "all",
    objects: sum(({ objects }) => objects),
    readings: sum(({ readings }) => readings),
    pairs: sum(({ pairs }) => pairs),
    apart: (rows[0]?.apart ?? []).map((_, index) => sum(({ apart }) => apart[index] ?? 0)),
  };
  const head = ["schema", "objects", "dumps", "pairs", ...PLAIN_CHECKSUMS.map(([name]) => name), "wovtools"];
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [
    line(head),
    line(head.map((_, index) => (index === 0 ? "---" : "---:"))),
    ...[...rows, total].map(({ name, objects, readings, pairs, apart }) =>
      line([name, objects, readings, pairs, ...apart]),
    ),
  ].join("\n");
}

/** How many pairs of dumps a plain checksum told apart, and how the moves came out. */
export function inWords(findings: readonly Findings[]): string {
  const rows = findings.map(rowOf);
  const pairs = rows.reduce((sum, row) => sum + row.pairs, 0);
  const apart = rows.reduce((sum, row) => sum + (row.apart[0] ?? 0), 0);
  const all = findings.flatMap(({ moves }) => moves);
  const by = (how: string | null) => all.filter(({ sameBy }) => sameBy === how).length;
  const plain = `Of ${pairs} pairs of dumps, each of one schema, a plain SHA-256 told ${apart} apart.`;
  const moved = `Of ${all.length} comparisons across versions, ${by("checksum")} had one checksum, in ${by("server")} a server said that the two are the same, and ${by(null)} differed.`;
  return `${plain}\n\n${moved}`;
}
