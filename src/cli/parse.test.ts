import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flag, type Flags, type Values } from './flags.ts';
import { parseArguments } from './parse.ts';

const flags = {
  detach: flag.on('d', ''), env: flag.texts('e', 'list', ''), interactive: flag.on('i', ''), name: flag.text('', 'string', ''), proxy: flag.off('', ''),
  timeout: flag.integer('T', 'int', ''), tty: flag.on('t', ''), hostname: flag.text('h', 'string', ''),
} as const satisfies Flags;

function parse(line: string, stopsAtOperand = true): { readonly values: Values<typeof flags>; readonly operands: readonly string[]; readonly isHelp: boolean } {
  return parseArguments(line === '' ? [] : line.split(' '), { flags, later: { 'publish|p': 'ports come later' }, stopsAtOperand });
}

test('parseArguments() knows Docker\'s ways to write flags', () => {
  const { values, operands } = parse('-it -eA=b -e C=d=e --name=x -h box img -t --name y');
  assert.deepEqual({ ...values }, { detach: false, env: ['A=b', 'C=d=e'], interactive: true, name: 'x', proxy: true, timeout: undefined, tty: true, hostname: 'box' });
  assert.deepEqual(operands, ['img', '-t', '--name', 'y']);
});

test('parseArguments() takes switches with a value, and the last one counts', () => {
  assert.equal(parse('--tty=false img').values.tty, false);
  assert.equal(parse('--proxy=0 img').values.proxy, false);
  assert.equal(parse('-d=false img').values.detach, false);
  const bundled = parse('-it=false img');
  assert.deepEqual([bundled.values.interactive, bundled.values.tty], [true, false]);
  assert.deepEqual(parse('-d=true img --tty=false').operands, ['img', '--tty=false']);
});

test('parseArguments() lets flags follow operands unless they end there', () => {
  assert.deepEqual(parse('one -d two --name x', false).operands, ['one', 'two']);
  assert.deepEqual(parse('-d -- one --two', false).operands, ['one', '--two']);
  assert.deepEqual(parse('-- img -- x').operands, ['img', '--', 'x']);
});

test('parseArguments() refuses in the words of Docker\'s client', () => {
  const refused: readonly (readonly [line: string, message: string])[] = [
    ['--xx img', 'unknown flag: --xx'],
    ['--xx=1 img', 'unknown flag: --xx'],
    ['-x img', "unknown shorthand flag: 'x' in -x"],
    ['-itx img', "unknown shorthand flag: 'x' in -itx"],
    ['--name', 'flag needs an argument: --name'],
    ['-e', "flag needs an argument: 'e' in -e"],
    ['--timeout x img', 'invalid argument "x" for "-T, --timeout" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    ['--tty=maybe img', 'invalid argument "maybe" for "-t, --tty" flag: strconv.ParseBool: parsing "maybe": invalid syntax'],
    ['-p 80 img', '-p is not there yet in Estiva: ports come later'],
  ];
  for (const [line, message] of refused) assert.throws(() => parse(line), { name: 'UsageError', message, code: 125 }, line);
});

test('parseArguments() takes -T=1 for 1', () => {
  assert.equal(parse('-T=1 img').values.timeout, 1);
  assert.equal(parse('-itT=1 img').values.timeout, 1);
  assert.deepEqual(parse('-e=A=b img').values.env, ['A=b']);
});

test('parseArguments() takes a value that looks like a flag', () => {
  assert.equal(parse('--timeout -1 img').values.timeout, -1);
  assert.equal(parse('--name -d img').values.name, '-d');
});
