import { gitAnswer } from "./git.js";
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

/** What of a push bears on the question whether HEAD is pushed. */
export interface PushFacts {
  readonly head: string | null;
  readonly refs: readonly PushedRef[];
  /** The pushed object ids that have HEAD among their ancestors, or are HEAD. */
  readonly containingHead: ReadonlySet<string>;
}

/**
 * Says whether a push carries HEAD. Only then does what the local database holds belong to what is pushed;
 * deleting a ref, pushing another branch or an old tag carries nothing of it.
 */
export function pushesHead({ head, refs, containingHead }: PushFacts): boolean {
  if (head === null) return false;
  return refs.some(
    ({ localOid }) => localOid !== null && (localOid === head || containingHead.has(localOid)),
  );
}

/** Asks git what `pushesHead` has to know. Pushed objects that are no commits contain no HEAD. */
export async function readPushFacts(
  { root, head }: Repository,
  refs: readonly PushedRef[],
): Promise<PushFacts> {
  const containingHead = new Set<string>();
  for (const oid of new Set(refs.map(({ localOid }) => localOid))) {
    if (head === null || oid === null) continue;
    if (oid === head || (await contains(root, oid, head))) containingHead.add(oid);
  }
  return { head, refs, containingHead };
}

async function contains(root: string, oid: string, head: string): Promise<boolean> {
  const commit = await gitAnswer(root, ["rev-parse", "--verify", "--quiet", `${oid}^{commit}`]);
  if (commit === undefined) return false;
  return (await gitAnswer(root, ["merge-base", "--is-ancestor", head, commit])) !== undefined;
}
