// Runs one program in a container and reads what it said. As root: node examples/run.ts /path/of/busybox.tar
import { createReadStream } from 'node:fs';
import { openEngine } from 'estiva';

const [archive = 'busybox.tar', root = '/var/lib/estiva-example'] = process.argv.slice(2);

await using engine = await openEngine({ root });
const [image = ''] = await engine.load(createReadStream(archive));
const { exitCode, stdout, stderr } = await engine.run(image, ['sh', '-c', 'echo "hello, $NAME"; echo "to stderr" >&2; exit 3'], {
  env: { NAME: 'reader' }, memoryBytes: 64 << 20, pidsMax: 50, readOnly: true, user: '1000:1000',
});
console.log({ exitCode, stdout, stderr });
