// A terminal in a step that failed: between whoever sits at it and the program there.
import type { Duplex } from 'node:stream';
import { setWindowSize } from '../kernel/index.ts';
import type { TerminalSize } from '../spec/estiva/build-session.ts';
import type { Attachment } from './container.ts';
import type { Room } from './room.ts';
import type { Streams } from './streams/index.ts';

/** A terminal that somebody sits at. */
export interface StepTerminal {
  readonly stream: Duplex;
  readonly size: TerminalSize;
  /** Hears of every other size. */
  readonly onResize: (listener: (size: TerminalSize) => void) => void;
}

export type LiveFds = ReturnType<Room['supervisor']['borrow']>;

const endOfTransmission = Buffer.from([4]);
const endEveryMs = 500;
const endsMax = 20;

/** Until the program's output has ended. */
export async function sitAt({ stream, size, onResize }: StepTerminal, streams: Streams, fds: LiveFds): Promise<void> {
  await using attachment = streams.attach({ stdin: true, stdout: true, stderr: true });
  const resize = (now: TerminalSize): void => { if (fds.stdout?.isOpen === true) setWindowSize(fds.stdout, now); };
  resize(size);
  onResize(resize);
  let ending: Disposable | undefined;
  const take = (bytes: Uint8Array): void => {
    stream.pause();
    attachment.write(bytes).then(() => stream.resume(), () => undefined);
  };
  const end = (): void => { ending = endInput(stream, attachment); };
  stream.on('data', take).once('end', end);
  try {
    for await (const { bytes } of attachment.output) stream.write(bytes);
  } finally {
    stream.off('data', take).off('end', end);
    ending?.[Symbol.dispose]();
  }
}

/** A terminal has no end of input but this word, which is lost on a program that is about to change how it reads: so it is said again; who never hears it is ended. */
function endInput(stream: Duplex, attachment: Attachment): Disposable {
  let said = 0;
  const say = (): void => {
    if (++said > endsMax) stream.destroy();
    else attachment.write(endOfTransmission).catch(() => undefined);
  };
  say();
  const timer = setInterval(say, endEveryMs);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
