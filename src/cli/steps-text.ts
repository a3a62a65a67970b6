/** What is done about objects, for a person. */
import { isAbsolute } from "node:path";
import type { WoStep } from "../commands/results.js";
import type { Colors } from "./output.js";
import { table } from "./table.js";

const COLORS: Readonly<Record<WoStep["action"] | "run", "green" | "yellow" | "red" | "dim">> = {
  run: "green",
  create: "green",
  replace: "yellow",
  remake: "yellow",
  grant: "yellow",
  drop: "red",
  adopt: "dim",
  record: "dim",
  forget: "dim",
};

/** What is done, to what, by which file, and why. */
export function stepRow({ action, object, file, why, certain, drops }: WoStep): string[] {
  const also = drops.length === 0 ? "" : `; with it ${drops.join(", ")}`;
  const doubt = certain ? "" : "perhaps ";
  return [
    `${doubt}${action}`,
    object,
    file === null ? "" : shownPath(file),
    `${why}${action === "remake" ? also : ""}`,
  ];
}

/** Rows of steps as lines, set in by two. */
export function stepLines(rows: readonly (readonly string[])[], colors: Colors): string[] {
  const painted = table(rows, (cell, row, column) => {
    if (column > 1) return colors.dim(cell);
    const action = Object.keys(COLORS).find((word) => rows[row]?.[0]?.endsWith(word));
    const color = Object.entries(COLORS).find(([word]) => word === action)?.[1] ?? "dim";
    return column === 0 ? colors[color](cell) : cell;
  });
  return painted.map((line) => `  ${line}`);
}

/** A path as a shell could take it. */
export function shownPath(path: string): string {
  return isAbsolute(path) ? path : path.replace(/^\.\//, "");
}
