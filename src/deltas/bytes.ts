import { isUtf8 } from "node:buffer";

/**
 * Finds where bytes stop being UTF-8.
 *
 * @returns the offset of the first byte that belongs to no character, or undefined where all do
 */
export function firstInvalidByte(bytes: Uint8Array): number | undefined {
  if (isUtf8(bytes)) return undefined;
  // Whether the first n bytes can begin a UTF-8 text holds up to the bad byte and never after it.
  let good = 0;
  let bad = bytes.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (canBeginUtf8(bytes.subarray(0, middle))) good = middle;
    else bad = middle;
  }
  // The beginning of a character that breaks off belongs to what is bad.
  while (!isUtf8(bytes.subarray(0, good))) good -= 1;
  return good;
}

function canBeginUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
