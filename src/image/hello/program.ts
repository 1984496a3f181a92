// The program inside the image estiva/hello: it says hello, then looks around and tells what it sees of its own isolation. It is a list of
// system calls and nothing else (sheet.ts says how).
import type { Step } from '../../kernel/index.ts';
import { Sheet } from './sheet.ts';

const greeting = `
Hello from Estiva!

You read this because a container has just run on your machine:
 1. The estiva command asked the engine for a container of the image estiva/hello.
 2. The engine carries that image inside itself. It unpacked it: one layer, one file, no download.
 3. It compiled the container's settings into a program: a list of system calls.
 4. Its supervisor started a new process that walked the list: namespaces, a root of its own,
    limits, fewer capabilities, a filter for system calls.
 5. The last call on the list started this program, which is itself nothing but such a list:
    no shell, no C library.

What it sees from inside:
`;

const farewell = `
The list for any container, each step in words:   estiva run --rm --explain estiva/hello
A system of your own, from a tar of its files:    estiva import rootfs.tar mine
                                                  estiva run -it --rm mine sh

`;

/** The steps, for `assemble`. */
export function helloProgram(): readonly Step[] {
  const sheet = new Sheet();
  const field = (name: string): void => sheet.say(`  ${name.padEnd(16)}`);
  sheet.say(greeting);
  field('host name');
  sheet.quote('/proc/sys/kernel/hostname');
  field('kernel');
  sheet.quote('/proc/sys/kernel/osrelease');
  field('process id');
  sheet.quoteLink('/proc/self');
  sheet.say('\n');
  writeStatus(sheet, field);
  field('cgroup');
  const cgroup = sheet.open('/proc/self/cgroup');
  sheet.findLine(cgroup, '0::/', () => {
    sheet.say('/');
    sheet.quoteBetween(cgroup, undefined, '\n');
  });
  sheet.say('\n');
  field('namespaces');
  writeNamespaces(sheet, 'cgroup', 'ipc', 'mnt');
  field('');
  writeNamespaces(sheet, 'net', 'pid', 'user', 'uts');
  sheet.say(farewell);
  return sheet.print();
}

/** In one pass through the file, so in its order. */
function writeStatus(sheet: Sheet, field: (name: string) => void): void {
  const status = sheet.open('/proc/self/status');
  const line = (name: string, beginning: string, then: () => void): void => {
    field(name);
    sheet.findLine(status, beginning, then);
  };
  line('user id', 'Uid:', () => sheet.quoteBetween(status, '\t', '\t'));
  sheet.say('\n');
  line('capabilities', 'CapE', () => sheet.quoteBetween(status, '\t', '\n'));
  sheet.say('\n');
  line('new privileges', 'NoNe', () => sheet.choose(status, '1', 'never\n', 'through set-user-id programs\n'));
  line('seccomp', 'Secc', () => sheet.choose(status, '2', 'on, a filter decides about each system call\n', 'off\n'));
}

function writeNamespaces(sheet: Sheet, ...names: readonly string[]): void {
  for (const name of names) {
    sheet.quoteLink(`/proc/self/ns/${name}`);
    sheet.say(name === names.at(-1) ? '\n' : '  ');
  }
}
