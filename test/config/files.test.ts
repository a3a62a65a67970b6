import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ConfigError } from "#src/errors.js";
import {
  isInside,
  readBytes,
  readText,
  refusedBySystem,
  resolveInside,
  temporaryName,
  writeAtomic,
} from "#src/files.js";
import { nearest } from "#src/nearest.js";
import { failureOf, temporaryFolder } from "./support.js";

const files = suite("files");

files("are written whole, folders made, nothing left beside them", async () => {
  const folder = join(temporaryFolder(), "a", "b");
  const file = join(folder, "x.json");
  await writeAtomic(file, "one");
  await writeFile(temporaryName(file), "what a killed run left, and longer than what comes");
  await writeAtomic(file, Buffer.from("two"));
  assert.is(await readFile(file, "utf8"), "two");
  assert.equal(await readdir(folder), ["x.json"]);
});

files("get the mode that is asked for, whatever lay there", async () => {
  const file = join(temporaryFolder(), "secret");
  await writeFile(temporaryName(file), "", { mode: 0o644 });
  await writeAtomic(file, "x", { mode: 0o600 });
  assert.is((await stat(file)).mode & 0o777, 0o600);
});

files("that are not there are null, others that cannot be read an error of whoever asks", async () => {
  const folder = temporaryFolder();
  assert.is(await readText(join(folder, "none"), ConfigError), null);
  assert.is(await readBytes(join(folder, "none", "deeper"), ConfigError), null);
  await mkdir(join(folder, "folder"));
  const failure = await failureOf(() => readText(join(folder, "folder"), ConfigError));
  assert.instance(failure, ConfigError);
  assert.is(failure.code, "FILE_UNREADABLE");
});

files("that the system does not let be written are no defect of the program", async () => {
  const long = join(temporaryFolder(), "x".repeat(300));
  const named = refusedBySystem(await writeAtomic(long, "x").catch((error: unknown) => error));
  assert.is(named?.code, "SYSTEM_REFUSES");
  assert.is(named?.message, "The system refuses: name too long (ENAMETOOLONG, open).");
  assert.is(named?.where, temporaryName(long));
  const full = refusedBySystem(await writeFile("/dev/full", "x").catch((error: unknown) => error));
  assert.match(full?.message ?? "", "no space left on device (ENOSPC");
  assert.is(refusedBySystem(new TypeError("x is not a function")), null);
});

files("lie inside a folder or not", async () => {
  const folder = temporaryFolder();
  for (const path of ["", ".", "a", "a/../b", "..a", `..${sep === "/" ? "" : "x"}a/b`]) {
    assert.ok(isInside(folder, join(folder, path)), path);
  }
  for (const path of ["..", "../x", "a/../../x", `${folder}x`, "/"]) {
    assert.is((await failureOf(() => resolveInside(folder, path, ConfigError))).code, "PATH_OUTSIDE", path);
  }
});

files.run();

const words = suite("nearest word");

words("is found for a slip, and only for a slip", () => {
  const names = ["objects", "pgDump", "schema", "username"];
  assert.is(nearest("objets", names), "objects");
  assert.is(nearest("pgdump", names), "pgDump");
  assert.is(nearest("shcema", names), "schema");
  assert.is(nearest("user", names), "username");
  assert.is(nearest("zebra", names), null);
  assert.is(nearest("", names), null);
  assert.is(nearest("x", []), null);
});

words.run();
