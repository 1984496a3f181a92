// Completes package-lock.json: `npm install` leaves out the packages of other systems that the registry at hand does not carry, and `npm ci` then
// refuses the file. Each gets an entry with the version that its parent asks for and the system it is for, so it is known and never fetched here.
// Run after every `npm install`: node scripts/lock.ts
import { readFileSync, writeFileSync } from 'node:fs';

interface Entry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const file = 'package-lock.json';
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> };
const systems = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'];
const processors = ['arm64', 'x64', 'arm', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'wasm32'];

const added = Object.values(lock.packages).flatMap(({ optionalDependencies = {}, dev }) => Object.entries(optionalDependencies)
  .filter(([name]) => lock.packages[`node_modules/${name}`] === undefined)
  .map(([name, version]): [string, Entry] => [`node_modules/${name}`, { version, ...platformOf(name), ...(dev === true && { dev }), optional: true }]));
const [root, ...rest] = Object.entries(lock.packages);
const packages = Object.fromEntries([root!, ...[...rest, ...added].toSorted(([a], [b]) => a.localeCompare(b, 'en'))]);
writeFileSync(file, `${JSON.stringify({ ...lock, packages }, undefined, 2)}\n`);
console.log(`lock: ${added.length} packages of other systems added`);

/** From its name: `@rolldown/binding-linux-arm-gnueabihf` is for Linux on ARM. */
function platformOf(name: string): Pick<Entry, 'os' | 'cpu'> {
  const words = name.split(/[/-]/);
  const os = systems.filter((system) => words.includes(system));
  const cpu = processors.filter((processor) => words.includes(processor));
  if (os.length + cpu.length === 0) throw new Error(`For which system is "${name}"? Its name does not say`);
  return { ...(os.length > 0 && { os }), ...(cpu.length > 0 && { cpu }) };
}
