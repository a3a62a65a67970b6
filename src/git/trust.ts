import type { SimpleGitOptions } from "simple-git";

type Guards = Required<
  Omit<NonNullable<SimpleGitOptions["unsafe"]>, "allowUnsafeCustomBinary" | "allowAbbreviatedOptions">
>;

/**
 * simple-git guards a server that passes on what strangers send it: it refuses settings, in arguments and in the
 * environment, that could make git run a program. Here the arguments are our own, and the environment is that of
 * the user, whose git it is: an editor, an askpass, an ssh command or a setting in `GIT_CONFIG_COUNT` that works
 * for `git push` has to work here too.
 *
 * `Required` makes the compiler tell when a new version of the library guards something more.
 */
export const USERS_OWN_GIT: Guards = {
  allowUnsafeAlias: true,
  allowUnsafeAskPass: true,
  allowUnsafeCommandBinaries: true,
  allowUnsafeConfigEnvCount: true,
  allowUnsafeConfigPaths: true,
  allowUnsafeCredentialHelper: true,
  allowUnsafeDiffExternal: true,
  allowUnsafeDiffTextConv: true,
  allowUnsafeEditor: true,
  allowUnsafeExec: true,
  allowUnsafeFilter: true,
  allowUnsafeFsMonitor: true,
  allowUnsafeGitProxy: true,
  allowUnsafeGpgProgram: true,
  allowUnsafeHooksPath: true,
  allowUnsafeInclude: true,
  allowUnsafeMergeDriver: true,
  allowUnsafePack: true,
  allowUnsafePager: true,
  allowUnsafeProtocolOverride: true,
  allowUnsafeSshCommand: true,
  allowUnsafeSubmodule: true,
  allowUnsafeTemplateDir: true,
  allowUnsafeUrlRewrite: true,
};
