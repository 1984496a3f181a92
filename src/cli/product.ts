// Who we are: the one version of the package.
import manifest from '../../package.json' with { type: 'json' };

export const program = 'estiva';

export const productVersion: string = manifest.version;
