import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  makePlan,
  type PlannedStatement,
  type PlannedVersion,
  progressOf,
  settingsBefore,
} from "#src/stage/plan.js";

type Kind = "in" | "out" | "after" | "set";

function statement(kind: Kind, index: number): PlannedStatement {
  return {
    text: `${kind} ${index}`,
    line: index + 1,
    outside: kind === "out" ? { kind: "again" } : null,
    afterCommit: kind === "after",
    setsSession: kind === "set",
  };
}

function version(name: string, ...kinds: Kind[]): PlannedVersion {
  return {
    version: name,
    versionId: `id ${name}`,
    deltas: "0",
    file: `${name}.deltas`,
    how: "applied",
    statements: kinds.map(statement),
    includes: [],
  };
}

function planOf(versions: PlannedVersion[], statements?: number) {
  const partial = statements === undefined ? null : { version: "1", versionId: "id 1", statements };
  return makePlan({ from: { version: "0", versionId: "id 0" }, to: "9", versions, partial });
}

/** Each segment in words: `1[0-2) 2[0-1)`, in brackets where it runs outside a transaction. */
function shape(versions: PlannedVersion[], statements?: number): string[] {
  return planOf(versions, statements).segments.map(({ kind, parts }) => {
    const words = parts.map((part) => `${part.version.version}[${part.from}-${part.to})`).join(" ");
    return kind === "outside" ? `(${words})` : words;
  });
}

const plan = suite("plan of a deploy");

plan("is one transaction where every statement allows it", () => {
  assert.equal(shape([version("1", "in", "in"), version("2", "set", "in"), version("3")]), [
    "1[0-2) 2[0-2) 3[0-0)",
  ]);
});

plan("takes out what cannot run in one, and records the end of a version in the next", () => {
  assert.equal(shape([version("1", "in"), version("2", "in", "out", "in"), version("3", "in")]), [
    "1[0-1) 2[0-1)",
    "(2[1-2))",
    "2[2-3) 3[0-1)",
  ]);
  assert.equal(shape([version("1", "out", "out")]), ["(1[0-1))", "(1[1-2))", "1[2-2)"]);
});

plan("begins another transaction where a statement needs the one before it committed", () => {
  assert.equal(shape([version("1", "in", "in"), version("2", "after", "in")]), ["1[0-2)", "2[0-2)"]);
  assert.equal(shape([version("1", "in", "after", "in")]), ["1[0-1)", "1[1-3)"]);
});

plan("leaves out what an earlier deploy has done", () => {
  const versions = [version("1", "in", "out", "in"), version("2", "in")];
  assert.equal(shape(versions, 1), ["(1[1-2))", "1[2-3) 2[0-1)"]);
  assert.equal(shape(versions, 2), ["1[2-3) 2[0-1)"]);
  assert.equal(shape(versions, 3), ["1[3-3) 2[0-1)"]);
});

plan("has an id that is the same for the same work on the same state, and for nothing else", () => {
  const versions = [version("1", "in", "out", "in")];
  assert.is(planOf(versions).id, planOf(versions).id);
  assert.is.not(planOf(versions).id, planOf(versions, 1).id);
  assert.is.not(planOf(versions).id, planOf([version("1", "in", "in", "in")]).id);
});

plan("brings versions when their last statement is done, and a part of one before", () => {
  const made = planOf([version("1", "in"), version("2", "in", "out")]);
  const progress = made.segments.map((segment) => progressOf(made, segment, new Map()));
  assert.equal(
    progress.map(({ completed, partial, finishes }) => [
      completed.map((one) => one.version),
      partial?.statements ?? null,
      finishes,
    ]),
    [
      [["1"], 1, false],
      [[], 2, false],
      [["2"], null, true],
    ],
  );
});

plan("repeats the settings that a version has made before it was cut", () => {
  const made = planOf([version("1", "set", "in", "out", "in")]);
  const last = made.segments.at(-1)?.parts[0];
  assert.equal(last === undefined ? null : settingsBefore(last), ["set 0"]);
});

plan.run();
