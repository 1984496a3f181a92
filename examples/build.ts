// Builds an image from a directory and runs it. As root: node examples/build.ts /path/of/busybox.tar
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from 'estiva';

const [archive = 'busybox.tar', root = '/var/lib/estiva-example'] = process.argv.slice(2);

await using engine = await openEngine({ root });
const [base = ''] = await engine.load(createReadStream(archive));
const context = mkdtempSync(join(tmpdir(), 'estiva-example-'));
try {
  writeFileSync(join(context, 'Dockerfile'), `FROM ${base}\nARG NAME\nCOPY greeting /\nRUN echo "$(cat /greeting), $NAME" > /said\nCMD ["cat", "/said"]\n`);
  writeFileSync(join(context, 'greeting'), 'hello');
  const id = await engine.build({ context, buildArgs: { NAME: 'builder' }, tags: ['example/built'], onProgress: (one) => { if (one.what === 'step') console.log(`${one.number}/${one.total} ${one.text}`); } });
  console.log((await engine.run(id)).stdout.trim());
} finally {
  rmSync(context, { recursive: true });
}
