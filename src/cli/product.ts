// Who we are: the one version of the package, and the version of the API that requests name.
import manifest from '../../package.json' with { type: 'json' };

export const productVersion: string = manifest.version;

/** Spoken by dockerd 27.3 and later and by Estiva; DOCKER_API_VERSION chooses another. */
export const apiVersionDefault = '1.47';
