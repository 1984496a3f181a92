// Files into a container that need not run yet, and what it made of them out again. As root: node examples/files.ts /path/of/busybox.tar
import { createReadStream } from 'node:fs';
import { openEngine } from 'estiva';

const [archive = 'busybox.tar', root = '/var/lib/estiva-example'] = process.argv.slice(2);

await using engine = await openEngine({ root });
const [image = ''] = await engine.load(createReadStream(archive));
await using box = await engine.create({ image, command: ['sh', '-c', 'sort /tmp/in/names > /tmp/sorted'] });
await box.copyIn('/tmp', { 'in/names': 'Grace\nAda\n' });
await box.start();
await box.wait();
console.log((await box.readFile('/tmp/sorted')).toString());

let tarBytes = 0;
for await (const piece of box.copyOut('/tmp/in')) tarBytes += piece.length;
console.log(`a tar of ${tarBytes} bytes`);
