// Columns in Docker's look: each as wide as its widest cell and three spaces, at least ten; the last column is not padded.

const columnWidthMin = 10;
const gap = 3;

/** Aligns lines whose cells are separated by tabs. */
export function alignColumns(lines: readonly string[], { widthMin = columnWidthMin }: { readonly widthMin?: number } = {}): string[] {
  const rows = lines.map((line) => line.split('\t'));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.slice(0, -1).entries()) {
      widths[column] = Math.max(widths[column] ?? widthMin, Array.from(cell).length + gap);
    }
  }
  return rows.map((row) => row.map((cell, column) => (column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - Array.from(cell).length))).join(''));
}
