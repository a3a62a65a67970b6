import { BlockedError } from "../errors.js";
import { GitFailure, git, gitAnswer } from "./git.js";
import type { Repository } from "./repository.js";

/**
 * Set for the hooks of a push that an archiving makes: what they would look for was looked at before it began, and
 * until the push is through the archiving is not finished.
 */
export const ARCHIVE_PUSH_VARIABLE = "WOV_ARCHIVE_PUSH";

/**
 * Pushes the checked-out branch, as the last step of an archiving.
 *
 * Where the branch has an upstream it goes there; where it has none and there is a remote, it goes to the
 * remote under its own name, which becomes the upstream.
 *
 * @param remote asked for by name; otherwise the upstream's, else `origin`, else the only one
 * @returns false where the repository has no remote and nothing could be pushed
 * @throws BlockedError PUSH_DETACHED, PUSH_WHICH_REMOTE, PUSH_REFUSED with git's own words
 */
export async function push(repository: Repository, remote?: string): Promise<boolean> {
  const { root, branch } = repository;
  const remotes = (await git(root, ["remote"])).split("\n").filter((name) => name !== "");
  if (remotes.length === 0) return false;
  if (branch === null) {
    throw new BlockedError("PUSH_DETACHED", "HEAD is on no branch, so that nothing can be pushed.", {
      where: root,
      hint: "Check out the branch first:\n  git switch BRANCH",
    });
  }
  const tracked = await gitAnswer(root, ["config", "--get", `branch.${branch}.remote`]);
  // A dot stands for this repository: the branch follows another local one.
  const own = tracked === "." ? undefined : tracked;
  const merge = await gitAnswer(root, ["config", "--get", `branch.${branch}.merge`]);
  const target = remote ?? own ?? (remotes.includes("origin") ? "origin" : remotes[0]);
  if (target === undefined || (remote === undefined && own === undefined && isUnclear(remotes))) {
    throw new BlockedError(
      "PUSH_WHICH_REMOTE",
      `The branch ${branch} has no upstream, and there are several remotes.`,
      {
        where: root,
        hint: `Say which:\n  git push --set-upstream REMOTE ${branch}`,
      },
    );
  }
  const upstream = target === own && merge !== undefined;
  const args = upstream
    ? ["push", "--quiet", "--", target, `HEAD:${merge}`]
    : ["push", "--quiet", "--set-upstream", "--", target, `HEAD:refs/heads/${branch}`];
  try {
    await git(root, args, { env: { [ARCHIVE_PUSH_VARIABLE]: "1" } });
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    throw new BlockedError("PUSH_REFUSED", `The push was refused:\n${withoutPasswords(error.message)}`, {
      where: root,
      hint: "The commit is made and stays. When the cause is mended:\n  git push",
    });
  }
  return true;
}

function isUnclear(remotes: readonly string[]): boolean {
  return remotes.length > 1 && !remotes.includes("origin");
}

/** git names the remote by its URL, in which a user name and a password may stand. */
function withoutPasswords(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@']+@/gi, "$1");
}
