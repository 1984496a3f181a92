// The command `estiva-runtime`: an OCI runtime by itself.
import { runBundles } from '../bundle/index.ts';
import { version } from './version.ts';

runBundles(process.argv.slice(2), version).then((code) => process.exit(code), (error: unknown) => { throw error; });
