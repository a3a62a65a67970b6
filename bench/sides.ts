/** The two sides of the comparison, each as whole processes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type ConnectionSettings, libpqEnvironment } from "#src/postgres/connection.js";
import { PACKAGE, TestProject } from "../test/support/project.js";
import { urlOf } from "../test/support/server.js";

/** Makes a project whose archive holds the schema that the database has, everything committed. */
export async function archivedProject(connection: ConnectionSettings): Promise<TestProject> {
  const project = await TestProject.create();
  const must = async (program: string, ...args: string[]) => {
    const { status, output } = await project.run(program, args);
    if (status !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${status}:\n${output}`);
  };
  await must("wov", "init", "--database", "benchdb", "--from", urlOf(connection));
  await project.commitAll();
  await must("wov-db", "benchdb", "--wdb-init");
  await must("wov-push-db", "--snapshot", "benchdb", "initial");
  return project;
}

/** What makes Node itself start more slowly on some machines, by 70 ms for a file of certificates. */
const NODE_AS_IT_IS = { NODE_OPTIONS: undefined, NODE_EXTRA_CA_CERTS: undefined };

/** The hook as git runs it for `git push`: what is pushed stands on its standard input. */
export async function hookSide(project: TestProject): Promise<() => Promise<void>> {
  const head = (await project.git("rev-parse", "HEAD")).trim();
  const input = `refs/heads/main ${head} refs/heads/main ${"0".repeat(head.length)}\n`;
  const args = [join(PACKAGE, "dist", "cli", "wov.js"), "hook", "pre-push"];
  return async () => {
    const { status, output } = await project.run(process.execPath, args, { input, env: NODE_AS_IT_IS });
    if (status !== 0 || output !== "") throw new Error(`the hook ended with ${status}:\n${output}`);
  };
}

/** `pg_dump --schema-only | sha256sum`, joined by a pipe as a shell would. */
export function pgDumpSide(program: string, connection: ConnectionSettings): () => Promise<void> {
  const env = { ...process.env, ...libpqEnvironment(connection) };
  return async () => {
    const sum = spawn("sha256sum", [], { stdio: ["pipe", "ignore", "inherit"] });
    const dump = spawn(program, ["--schema-only", "--no-password"], {
      env,
      stdio: ["ignore", sum.stdin, "inherit"],
    });
    // pg_dump has its own copy of this end by now; the sum is done when the last copy is closed.
    sum.stdin.destroy();
    const ends: [number | null][] = await Promise.all([ended(dump), ended(sum)]);
    const failed = ends.find(([status]) => status !== 0);
    if (failed !== undefined) throw new Error(`pg_dump | sha256sum ended with ${failed[0]}`);
  };
}

async function ended(child: ReturnType<typeof spawn>): Promise<[number | null]> {
  const [status]: (number | null)[] = await once(child, "close");
  return [status ?? null];
}
