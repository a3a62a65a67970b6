# Sourced by the hooks beside it. Runs the hook that this clone had before, then `wov hook NAME`.
name=$(basename "$0")
here=$(cd "$(dirname "$0")" && pwd -P) || exit 1
project=$(dirname "$(dirname "$here")")

# pre-push is told on its standard input what is pushed; both hooks are to read it.
input=
if [ "$name" = pre-push ]; then input=$(cat); fi
feed() {
  if [ -n "$input" ]; then printf '%s\n' "$input"; fi
}

# Where git itself looks for hooks here, and not in the folder of husky or lefthook, it runs no other one:
# `wov init` wrote down where it looked before.
before=
if [ "$(cd "$(git rev-parse --git-path hooks)" && pwd -P)" = "$here" ]; then
  before=$(git config --type=path --get wovtools.hooksPath)
  if [ "$before" = .git/hooks ]; then before=$(git rev-parse --git-common-dir)/hooks; fi
fi
if [ -n "$before" ] && [ -x "$before/$name" ]; then
  case $name in
    pre-push) feed | "$before/$name" "$@" || exit $? ;;
    pre-commit | post-merge | post-checkout) "$before/$name" "$@" || exit $? ;;
    *) exec "$before/$name" "$@" ;;
  esac
fi

case $name in
  pre-push | pre-commit | post-merge) ;;
  # Files alone were checked out: the archive's version stays what it was.
  post-checkout) if [ "$3" = 0 ]; then exit 0; fi ;;
  *) exit 0 ;;
esac
case ${WOV_SKIP_HOOKS-} in
  '' | 0 | false) ;;
  *) exit 0 ;;
esac

missing() {
  echo "wovtools: $1" >&2
  if [ "$name" != pre-push ]; then
    echo "wovtools: $name goes on without its check." >&2
    exit 0
  fi
  echo "wovtools: the push is blocked, since nobody looked whether the database holds a schema change." >&2
  echo "$2" >&2
  echo "To push without the check:" >&2
  echo "  WOV_SKIP_HOOKS=1 git push      or      git push --no-verify" >&2
  exit 1
}

wov=
folder=$project
while [ -z "$wov" ]; do
  if [ -x "$folder/node_modules/.bin/wov" ]; then wov=$folder/node_modules/.bin/wov; fi
  if [ -e "$folder/.git" ] || [ "$folder" = "$(dirname "$folder")" ]; then break; fi
  folder=$(dirname "$folder")
done
if [ -z "$wov" ]; then wov=$(command -v wov); fi
if [ -z "$wov" ]; then missing "wovtools is not installed in this clone." "  npm install"; fi
if ! command -v node >/dev/null; then
  missing "node is not on the PATH of the program that runs git." \
    "Push from a terminal, or put node on that program's PATH."
fi

cd "$project" || exit 1
case $name in
  # Without its arguments: the remote's URL is among them, and a password may stand in it.
  pre-push) feed | "$wov" hook pre-push; exit $? ;;
  pre-commit) exec "$wov" hook pre-commit ;;
  # git is done by now, and its own exit status is to tell so.
  *) "$wov" hook "$name" "$@"; exit 0 ;;
esac
