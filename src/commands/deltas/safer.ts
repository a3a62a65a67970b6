/** Attempts for a database in use: the safer way of each statement before the plain one. */
import { saferWay, tablesMadeBy } from "../../deltas/write/online.js";
import { type Stated, statedIn } from "../../deltas/write/stated.js";
import { type Attempt, plainly, type Way } from "../../deltas/write/written.js";
import type { Parser } from "../../schema/parser.js";

/** @returns what puts the safer ways first; tables that earlier attempts have made are known to be new */
export function withSaferWays(parser: Parser): (attempts: readonly Attempt[]) => readonly Attempt[] {
  const made = new Set<string>();
  return (attempts) => {
    const parsed = attempts.map((attempt) => ({
      attempt,
      ways: attempt.ways.map((way) => stated(way, parser)),
    }));
    const nodes = parsed.flatMap(({ ways }) => ways.flat()).map(({ node }) => node);
    for (const table of tablesMadeBy(nodes)) made.add(table);
    return parsed.map(({ attempt, ways }) => ({
      ...attempt,
      ways: [...saferWays(ways, (table) => made.has(table), parser), ...attempt.ways],
    }));
  };
}

function stated(way: Way, parser: Parser): Stated[] {
  return way.flatMap(({ sql }) => statedIn(sql, parser));
}

function saferWays(ways: readonly Stated[][], isNew: (table: string) => boolean, parser: Parser): Way[] {
  return ways.flatMap((way) => {
    const [only, ...others] = way;
    if (only === undefined || others.length > 0) return [];
    const safer = saferWay(only, isNew, parser);
    return safer === null ? [] : [safer.sql.map((sql) => plainly(sql))];
  });
}
