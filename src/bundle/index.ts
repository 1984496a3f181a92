// The program estiva-runtime: a container runtime by itself, with the command line that engines know from runc. Bundles, state directories, console
// sockets and pid files are here; how a container is made is the runtime's room.
export { runBundles } from './main.ts';
