import { defineCommand } from '../command.ts';
import { eraseCredentials, serverKey } from '../credentials/kept.ts';
import { say } from '../session.ts';

export const command = defineCommand({
  usage: '[SERVER]',
  summary: 'Log out from a registry',
  flags: {},
  operands: { min: 0, max: 1 },
  async run({ operands: [registry = ''], session }) {
    say(session, `Removing login credentials for ${serverKey(registry)}`);
    await eraseCredentials(session.config, registry);
    return 0;
  },
});
