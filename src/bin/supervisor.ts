// The supervisor's entry: `supervisor RUNDIR`. Started by the daemon, never by hand.
import { serveSupervisor } from '../runtime/index.ts';

serveSupervisor(process.argv[2] ?? '/run/estiva');
