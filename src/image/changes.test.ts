import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isFail } from '../base/index.ts';
import { applyChanges } from './changes.ts';

test('applyChanges() reads every instruction in its forms', () => {
  const changes = [
    'CMD ["a", "b c"]', 'entrypoint exec "$HOME" [x', 'ENV A=1 B="two words" C=\'$A\' D=$A-${B}', 'ENV OLD the rest  of it', 'ENV A=2', 'EXPOSE 80 8000-8002/udp', 'LABEL k="v w" n=', 'LABEL old form', 'STOPSIGNAL SIGQUIT',
    'USER 1000:1000', 'VOLUME /data /more', 'VOLUME ["/with space"]', 'WORKDIR /srv', 'WORKDIR app/$A', 'ONBUILD RUN make', 'HEALTHCHECK --interval=1m30s --retries=3 CMD curl -f x',
  ];
  assert.deepEqual(applyChanges({}, changes), {
    Cmd: ['a', 'b c'], Entrypoint: ['/bin/sh', '-c', 'exec "$HOME" [x'], Env: ['A=2', 'B=two words', 'C=$A', 'D=-', 'OLD=the rest  of it'], ExposedPorts: { '80/tcp': {}, '8000/udp': {}, '8001/udp': {}, '8002/udp': {} },
    Labels: { k: 'v w', n: '', old: 'form' }, StopSignal: 'SIGQUIT', User: '1000:1000', Volumes: { '/data': {}, '/more': {}, '/with space': {} }, WorkingDir: '/srv/app/2', OnBuild: ['RUN make'],
    Healthcheck: { Test: ['CMD-SHELL', 'curl -f x'], Interval: 90e9, Retries: 3 },
  });
  assert.deepEqual(applyChanges({ Shell: ['/bin/bash', '-c'], Cmd: ['base'] }, ['ENTRYPOINT x', 'WORKDIR a b']), { Shell: ['/bin/bash', '-c'], Entrypoint: ['/bin/bash', '-c', 'x'], WorkingDir: '/a b' });
  assert.deepEqual(applyChanges({}, ['CMD ["a", "b"']).Cmd, ['/bin/sh', '-c', '["a", "b"'], 'what is not JSON is for the shell');
  assert.deepEqual(applyChanges({}, ['HEALTHCHECK NONE', 'CMD []\nENTRYPOINT []']), { Healthcheck: { Test: ['NONE'] }, Cmd: [], Entrypoint: [] });
  assert.deepEqual(applyChanges({}, ['HEALTHCHECK CMD ["a"]']).Healthcheck, { Test: ['CMD', 'a'] });
});

test('applyChanges() refuses with the texts of Docker', () => {
  const refusals: Record<string, string> = {
    'FOO x': 'FOO is not a valid change command', 'RUN x': 'RUN is not a valid change command', 'EXPOSE 99999': 'invalid containerPort: 99999', 'EXPOSE 9-1': 'invalid containerPort: 9-1', 'ENV a': 'ENV must have two arguments',
    'ENV a=b c': 'Syntax error - can\'t find = in "c". Must be of the form: name=value', 'ENV =x': 'ENV names can not be blank', LABEL: 'LABEL requires at least one argument', 'STOPSIGNAL foo': 'invalid signal: foo',
    'HEALTHCHECK foo': 'Unknown type "FOO" in HEALTHCHECK (try CMD)', WORKDIR: 'WORKDIR requires exactly one argument', 'HEALTHCHECK --interval=1us CMD x': 'Interval "interval" cannot be less than 1ms',
    'HEALTHCHECK CMD': 'Missing command after HEALTHCHECK CMD', 'HEALTHCHECK --foo=1 CMD x': 'unknown flag: --foo', 'ONBUILD FROM x': "FROM isn't allowed as an ONBUILD trigger", 'VOLUME [""]': 'VOLUME specified can not be an empty string',
    'LABEL a="b': 'failed to process "\\"b": unexpected end of statement while looking for matching double-quote', 'constructor x': 'constructor is not a valid change command', 'CMD a\0b': 'the line contains a NUL character', 'FROM x': 'FROM is not a valid change command', 'SHELL ["x"]': 'SHELL is not a valid change command',
  };
  for (const [change, message] of Object.entries(refusals)) assert.throws(() => applyChanges({}, [change]), (error: unknown) => isFail(error, 'invalid') && error.message === message, change);
});

test('applyChanges() fails foreseen, or not at all, whatever it is given', () => {
  const word = fc.constantFrom('CMD', 'ENV', 'LABEL', 'EXPOSE', 'HEALTHCHECK', 'VOLUME', 'WORKDIR', 'USER', '--interval=1s', '["', '"]', '=', '$', '${', '\\', "'", '"', 'a', ' ', '80', '-');
  fc.assert(fc.property(fc.array(word, { maxLength: 8 }), (words) => {
    try { applyChanges({}, [words.join('')]); } catch (error) { assert.ok(isFail(error), String(error)); }
  }), { numRuns: 2000 });
});
