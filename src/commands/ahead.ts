/**
 * Starts what the check of a push waits for longest, before the program itself is loaded: another thread loads
 * pg_dump, on a processor that would be idle. A push that needs no check ends without waiting for it.
 */
export async function startAhead(): Promise<void> {
  const { startDumpWorkerAhead } = await import("../postgres/bundled-dump.js");
  startDumpWorkerAhead();
}
