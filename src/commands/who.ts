import { hostname, userInfo } from "node:os";

/** Who runs this, for others who wait for it or read the ledger: the user and the machine. @example "ann@build-7" */
export function whoWorks(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // In a container the process's user may have no name.
    return `${process.getuid?.() ?? "somebody"}@${hostname()}`;
  }
}
