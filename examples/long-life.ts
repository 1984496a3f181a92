// A container that lives for a while: its log is followed, a second program is run in it, and at the end of the block it is gone.
// As root: node examples/long-life.ts /path/of/busybox.tar
import { createReadStream } from 'node:fs';
import { openEngine } from 'estiva';

const [archive = 'busybox.tar', root = '/var/lib/estiva-example'] = process.argv.slice(2);

await using engine = await openEngine({ root });
const [image = ''] = await engine.load(createReadStream(archive));
await using clock = await engine.create({ image, command: ['sh', '-c', 'for i in 1 2 3; do echo "tick $i"; sleep 0.2; done; sleep 60'] });
await clock.start();

const { stdout } = await clock.exec(['cat'], { input: 'from outside to inside and back' });
console.log(stdout);

let ticks = 0;
for await (const { text, stream } of clock.logs({ follow: true })) {
  console.log(`${stream}: ${text.trimEnd()}`);
  ticks += 1;
  if (ticks === 3) break;
}
await clock.stop({ timeoutSeconds: 0 });
console.log(`exit code ${await clock.wait()}`);
