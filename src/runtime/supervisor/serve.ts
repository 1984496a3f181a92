// The supervisor's main loop: one socket, one daemon at a time, the tasks.
//
// It is small on purpose: it knows programs (as bytes), descriptors and exits; no images, names or networks. It runs until it is told to shut down
// with no task left, and its memory is closed to everybody else (not dumpable): processes on their way into a container share it for a millisecond.
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { messageOf } from '../../base/index.ts';
import { call, Readiness } from '../../kernel/index.ts';
import type { Launchable } from '../launch.ts';
import { encodeFrame, FrameReader, protocolVersion, type LaunchRequest, type Reply, type Request } from './protocol.ts';
import { openTasks, type Tasks } from './tasks.ts';

const PR_SET_DUMPABLE = 4;

/** Serves `<runDir>/supervisor.sock` until it is shut down. */
export function serveSupervisor(runDir: string): void {
  call('prctl', PR_SET_DUMPABLE, 0, 0, 0, 0);
  const exitsDir = `${runDir}/exits`;
  mkdirSync(exitsDir, { recursive: true, mode: 0o700 });
  const readiness = new Readiness();
  let daemon: Socket | undefined;
  const send = (reply: Reply): void => void daemon?.write(encodeFrame(reply));
  const tasks = openTasks(readiness, exitsDir, (task, exit) => send({ exit: { ...exit, task } }));
  const socketPath = `${runDir}/supervisor.sock`;
  const server = createServer((socket) => {
    daemon?.destroy();
    daemon = socket;
    tasks.stopDraining();
    send({ hello: { version: protocolVersion, pid: process.pid, tasks: tasks.reports() } });
    serveConnection(socket, tasks, (reply) => void (socket.writable && socket.write(encodeFrame(reply))), () => {
      server.close();
      rmSync(socketPath, { force: true });
      socket.end(() => process.exit(0));
    });
    socket.on('close', () => {
      if (daemon !== socket) return;
      daemon = undefined;
      tasks.drain();
    });
  });
  rmSync(socketPath, { force: true });
  process.umask(0o077);
  server.listen(socketPath);
}

function serveConnection(socket: Socket, tasks: Tasks, send: (reply: Reply) => void, shutDown: () => void): void {
  const frames = new FrameReader();
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    for (const { message, binary } of frames.push(chunk)) void answer(message as Request, binary);
  });

  async function answer(request: Request, binary: Buffer): Promise<void> {
    const { seq } = request;
    try {
      switch (request.ask) {
        case 'launch': return send({ seq, ...await tasks.launch(request, launchableOf(request, binary)) });
        case 'network': return send({ seq, network: tasks.setNetworkAside(request.task) });
        case 'closeStdin': tasks.closeStdin(request.task); break;
        case 'release': tasks.release(request.task); break;
        case 'adopt': return send({ seq, launched: tasks.adopt(request) });
        case 'shutdown':
          if (tasks.reports().some(({ exit }) => exit === undefined)) return send({ seq, refused: 'Tasks are running' });
          send({ seq, done: true });
          return shutDown();
      }
      send({ seq, done: true });
    } catch (error) {
      send({ seq, refused: messageOf(error) });
    }
  }
}

/** The binary part of a launch: the program, then its relocations as 32-bit numbers (both sides run on one machine). */
function launchableOf({ image }: LaunchRequest, binary: Buffer): Launchable {
  // A copy: where they lie in the frame is not aligned.
  const relocations = new Uint32Array(new Uint8Array(binary.subarray(image.bytes)).buffer);
  return { bytes: binary.subarray(0, image.bytes), spaceBytes: image.spaceBytes, relocations, slots: new Map(image.slots), spaces: new Map(image.spaces) };
}
