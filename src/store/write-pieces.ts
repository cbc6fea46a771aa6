import { write } from "node:fs";

/** Octets and where they belong in a file. */
export interface Piece {
  readonly octets: Uint8Array;
  readonly position: number;
}

/**
 * Writes some pieces, at least one, side by side. Settles when none is being written any more; rejects with the first of
 * the system's errors.
 */
export function writePieces(fd: number, pieces: readonly Piece[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let waitingFor = pieces.length;
    let failure: Error | undefined;
    const ended = (error: Error | undefined): void => {
      failure ??= error;
      waitingFor -= 1;
      if (waitingFor > 0) return;
      if (failure === undefined) resolve();
      else reject(failure);
    };
    for (const { octets, position } of pieces) writePiece(fd, octets, position, ended);
  });
}

function writePiece(fd: number, octets: Uint8Array, position: number, ended: (error: Error | undefined) => void): void {
  write(fd, octets, 0, octets.length, position, (error, count) => {
    if (error !== null) ended(error);
    // Mostly the last of the room on the disk: the next attempt tells.
    else if (count < octets.length) writePiece(fd, octets.subarray(count), position + count, ended);
    else ended(undefined);
  });
}
