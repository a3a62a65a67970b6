/** For Node's `--import`: it takes the pipes of standard input and error for a terminal, as it would take one. */
export const ON_A_TERMINAL = `data:text/javascript,${encodeURIComponent(`
  import { clearLine, cursorTo, moveCursor } from "node:readline";
  const { stdin, stderr } = process;
  Object.assign(stdin, { isTTY: true });
  Object.assign(stderr, {
    isTTY: true,
    columns: 100,
    clearLine: (to) => clearLine(stderr, to),
    cursorTo: (x, y) => cursorTo(stderr, x, y),
    moveCursor: (x, y) => moveCursor(stderr, x, y),
  });
`)}`;
