// One question to one server. The answer counts only when it comes from there, to the port that the kernel chose for this question alone, under an id that was
// drawn for it, and repeats the question: whoever wants to forge one must guess 32 bits before the server answers (RFC 5452).
import { randomInt } from 'node:crypto';
import { Socket } from 'node:net';
import { connectDatagram, openSocket, receiveDatagram, sendDatagram, type Readiness, type SocketAddress } from '../../kernel/index.ts';
import { Frames, frame } from './frames.ts';
import { decodeAnswer, encodeQuestion, type Answer, type Query } from './message.ts';

const ids = 0x10000;
/** Somebody is guessing: this question is given up. */
const wrongAnswersMax = 64;
const answerBytesMax = 0xffff;
const buffer = Buffer.alloc(0x10000);

export type Transport = 'udp' | 'tcp';

/** Where sockets are made: on the host, or inside of a container's namespace. */
export type Place = <T>(make: () => T) => T;

export interface Asking {
  readonly readiness: Readiness;
  readonly place: Place;
  readonly signal: AbortSignal;
}

/** @throws Error when it cannot be reached or talks nonsense; the signal's reason */
export function ask(server: SocketAddress, query: Query, transport: Transport, asking: Asking): Promise<Answer> {
  const id = randomInt(ids);
  return transport === 'udp' ? askByDatagram(server, query, id, asking) : askByStream(server, query, id, asking);
}

async function askByDatagram(server: SocketAddress, query: Query, id: number, { readiness, place, signal }: Asking): Promise<Answer> {
  using socket = place(() => connectDatagram(server));
  using watching = new DisposableStack();
  return await new Promise<Answer>((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', stop);
    readiness.watch(socket, listen);
    watching.defer(() => {
      signal.removeEventListener('abort', stop);
      readiness.unwatch(socket);
    });
    sendDatagram(socket, encodeQuestion(query, id));
    let wrong = 0;
    function listen(): void {
      try {
        for (let got = receiveDatagram(socket, buffer); got !== undefined; got = receiveDatagram(socket, buffer)) {
          const answer = decodeAnswer(Buffer.from(buffer.subarray(0, got.length)), id, query);
          if (answer !== undefined) return resolve(answer);
          if (++wrong > wrongAnswersMax) return reject(new Error(`Too many wrong answers from ${server.address}`));
        }
      } catch (error) {
        reject(error);
      }
    }
  });
}

function askByStream(server: SocketAddress, query: Query, id: number, { place, signal }: Asking): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // The socket is made where it belongs; Node connects it.
    const stream = new Socket({ fd: place(() => openSocket('stream', server.address)).release() });
    const end = (settle: () => void): void => {
      signal.removeEventListener('abort', stop);
      stream.destroy();
      settle();
    };
    const stop = (): void => end(() => reject(signal.reason as Error));
    const frames = new Frames(answerBytesMax);
    signal.addEventListener('abort', stop);
    stream.on('error', (error) => end(() => reject(error)));
    stream.on('close', () => end(() => reject(new Error(`${server.address} hung up`))));
    stream.on('data', (bytes: Buffer) => {
      const [message] = frames.add(bytes);
      if (message === undefined) return;
      const answer = decodeAnswer(Buffer.from(message), id, query);
      end(() => (answer === undefined ? reject(new Error(`${server.address} answered something else`)) : resolve(answer)));
    });
    stream.connect({ host: server.scope === undefined ? server.address : `${server.address}%${server.scope}`, port: server.port });
    stream.write(frame(encodeQuestion(query, id)));
  });
}
