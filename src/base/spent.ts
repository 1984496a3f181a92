// Memory of bytes that were passed on.

/**
 * Gives the memory of `piece` back now, and not whenever the garbage collector comes: for a stream of 500 MB that costs as much as everything else
 * that is done with it. Only for memory that nobody else looks at any more; a part of a larger buffer is left alone.
 */
export function giveBack(piece: Uint8Array): void {
  const { buffer } = piece;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === piece.byteLength) buffer.transfer(0);
}
