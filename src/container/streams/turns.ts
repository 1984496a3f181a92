// Turns: all outputs of this process share a few milliseconds of each round of the event loop, first come, first served, so that ten chatty
// programs hold up the API no longer than one.
const roundMs = 4;

type Turn = (deadline: number) => void;

let waiting: Turn[] = [];
let isScheduled = false;

/** Calls `turn` soon, with the time (performance.now) at which it should be over. */
export function takeTurn(turn: Turn): void {
  waiting.push(turn);
  schedule();
}

function schedule(): void {
  if (isScheduled) return;
  isScheduled = true;
  setImmediate(round);
}

function round(): void {
  isScheduled = false;
  const deadline = performance.now() + roundMs;
  const turns = waiting;
  // Who asks for another turn now is behind all who wait already.
  waiting = [];
  let served = 0;
  try {
    while (served < turns.length && (served === 0 || performance.now() < deadline)) turns[served++]!(deadline);
  } finally {
    waiting = turns.slice(served).concat(waiting);
    if (waiting.length > 0) schedule();
  }
}
