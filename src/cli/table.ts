/**
 * Text in columns.
 *
 * @param rows cells without line ends; colour goes in by `paint` after the widths are known
 * @returns lines without white space at their ends
 */
export function table(
  rows: readonly (readonly string[])[],
  paint: (cell: string, row: number, column: number) => string = (cell) => cell,
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  return rows.map((cells, row) =>
    cells
      .map((cell, column) => {
        const gap = column === cells.length - 1 ? "" : " ".repeat((widths[column] ?? 0) - cell.length + 2);
        return paint(cell, row, column) + gap;
      })
      .join("")
      .trimEnd(),
  );
}
