import { unixTimeOf } from '../../base/index.ts';
import { watchEvents } from '../../client/index.ts';
import type { EventMessage } from '../../spec/docker/system.ts';
import { fromJson } from '../../spec/template/index.ts';
import { defineCommand } from '../command.ts';
import { Exit } from '../errors.ts';
import { filtersOf, parseFilter } from '../filters.ts';
import { flag } from '../flags.ts';
import { valuePrinter } from '../format.ts';
import { say } from '../session.ts';
import { localTimeNs } from '../times.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  summary: 'Get real time events from the server',
  aliases: ['system events', 'events'],
  flags: {
    filter: flag.list('f', 'filter', 'Only those that match (type=container, event=die, container=web, image, label, …)', parseFilter),
    format: flag.text('', 'string', 'Template for each event, or \'json\''),
    since: flag.text('', 'string', 'Also what has happened from this time on (RFC 3339, Unix seconds, or 42m: 42 minutes ago)'),
    until: flag.text('', 'string', 'End at this time'),
  },
  operands: { min: 0, max: 0 },
  async run({ values, session }) {
    const time = (text: string | undefined): string | undefined => {
      const seconds = text === undefined ? undefined : unixTimeOf(text, session.now());
      if (text !== undefined && seconds === undefined) throw new Exit(1, `failed to parse value as time or duration: ${JSON.stringify(text)}`);
      return seconds;
    };
    const { format } = values;
    const print = format === undefined || format === '' ? (event: EventMessage) => say(session, eventLine(event)) : formatted(valuePrinter(session, format, 'events.Message'));
    await watchEvents(session.docker, { since: time(values.since), until: time(values.until), filters: filtersOf(values.filter) }, print);
    return 0;
  },
});

/** `2026-01-02T03:04:05.678901234Z container die ID (exitCode=0, name=box)`. */
export function eventLine({ Type, Action, Actor, timeNano }: EventMessage): string {
  const attributes = Object.entries(Actor.Attributes).map(([key, value]) => `${key}=${value}`).sort();
  return `${localTimeNs(timeNano)} ${Type} ${Action} ${Actor.ID}${attributes.length === 0 ? '' : ` (${attributes.join(', ')})`}`;
}

/** Templates name the fields as Go does; `json` writes them as the daemon did. */
function formatted(print: (value: unknown) => void): (event: EventMessage) => void {
  return (event) => {
    const { status: Status = '', id: ID = '', from: From = '', Type, Action, Actor, scope: Scope, time: Time, timeNano: TimeNano } = event;
    print({ Status, ID, From, Type, Action, Actor: fromJson(Actor), Scope, Time, TimeNano, toJSON: () => event });
  };
}
