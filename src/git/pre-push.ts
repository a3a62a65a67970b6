import { git } from "./git.js";
import type { Repository } from "./repository.js";

/** One line that git gives the pre-push hook. */
export interface PushedRef {
  readonly localRef: string;
  /** The commit that is pushed, or null where the remote ref is deleted. */
  readonly localOid: string | null;
  readonly remoteRef: string;
  /** What the remote has there now, or null where it has nothing. */
  readonly remoteOid: string | null;
}

/**
 * Reads what git writes to the pre-push hook's standard input: `LOCAL-REF LOCAL-OID REMOTE-REF REMOTE-OID`,
 * one line a ref. An object id of zeros stands for "none".
 *
 * @throws RangeError for a line of another form
 */
export function parsePushedRefs(input: string): PushedRef[] {
  return input
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [, localRef, localOid, remoteRef, remoteOid] =
        /^(\S.*) ([0-9a-f]{40,64}) (\S+) ([0-9a-f]{40,64})\r?$/.exec(line) ?? [];
      if (!localRef || !localOid || !remoteRef || !remoteOid) {
        throw new RangeError(`not a line that git gives to pre-push: ${JSON.stringify(line)}`);
      }
      return { localRef, localOid: oidOrNull(localOid), remoteRef, remoteOid: oidOrNull(remoteOid) };
    });
}

function oidOrNull(oid: string): string | null {
  return /^0+$/.test(oid) ? null : oid;
}

/**
 * Says whether a push carries HEAD. Only then does what the local database holds belong to what is pushed; deleting a
 * ref, pushing another branch or an old tag carries nothing of it. Git is asked once, however many refs there are.
 */
export async function pushesHead({ root, head }: Repository, refs: readonly PushedRef[]): Promise<boolean> {
  const pushed = new Set(refs.flatMap(({ localOid }) => (localOid === null ? [] : [localOid])));
  if (head === null || pushed.size === 0) return false;
  if (pushed.has(head)) return true;
  // HEAD, unless one of the pushed objects contains it. Those that are no commits contain none.
  const input = [...pushed].map((oid) => `^${oid}\n`).join("");
  return (await git(root, ["rev-list", "--max-count=1", "--stdin", head], { input })) === "";
}
