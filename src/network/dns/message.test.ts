import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { answerTo, cutTo, decodeAnswer, decodeQuery, encodeAnswer, encodeName, encodeQuestion, encodeRefusal, RCODE, type Query } from './message.ts';
import { A, AAAA, name, question, read, reply, soa } from './wire.fixture.ts';

function asked(bytes: Buffer): Query {
  const query = decodeQuery(bytes);
  if (query === undefined || 'refuse' in query) throw new Error('Not a query');
  return query;
}

test('decodeQuery() reads name, type and EDNS; names are compared in small letters and repeated as they were', () => {
  const query = asked(question('Web.Example', { id: 7, type: AAAA, edns: 4096 }));
  assert.deepEqual([query.id, query.name, query.type, query.class, query.recursionDesired, query.edns], [7, 'web.example', AAAA, 1, true, { datagramBytes: 4096, dnssecOk: false }]);
  assert.equal(read(encodeAnswer(query, RCODE.ok)).name, 'Web.Example');
  assert.equal(asked(question('x', { edns: 100 })).edns?.datagramBytes, 512, 'never less than without EDNS');
});

test('decodeQuery(): a dot inside of a label makes no other name', () => {
  const dotted = Buffer.concat([question('').subarray(0, 12), Buffer.of(3), Buffer.from('a.b'), Buffer.of(0, 0, 1, 0, 1)]);
  assert.equal(asked(dotted).name, String.raw`a\.b`);
});

test('decodeQuery(): what is no question gets no answer, what is a bad one gets the error for it', () => {
  const good = question('web', { id: 9 });
  assert.equal(decodeQuery(good.subarray(0, 11)), undefined);
  assert.equal(decodeQuery(question('web', { flags: 0x8100 })), undefined, 'an answer: two resolvers would talk for ever');
  const refused = (bytes: Buffer): unknown => (decodeQuery(bytes) as { refuse?: number }).refuse;
  assert.equal(refused(good.subarray(0, good.length - 1)), RCODE.malformed);
  assert.equal(refused(question('web', { flags: 0x2100 })), RCODE.notImplemented);
  assert.equal(refused(question('web', { edns: 1232, ednsVersion: 1 })), RCODE.badVersion);
  assert.equal(refused(Buffer.concat([good, Buffer.alloc(5000)])), RCODE.malformed);
  const pointing = Buffer.concat([good.subarray(0, 12), Buffer.of(0xc0, 0x0c, 0, 1, 0, 1)]);
  assert.equal(refused(pointing), RCODE.malformed, 'a pointer at itself');
  const long = question(Array.from({ length: 130 }, () => 'a').join('.'));
  assert.equal(refused(long), RCODE.malformed, 'a name of more than 255 bytes');
  const badVersion = encodeRefusal({ refuse: RCODE.badVersion, id: 3, opcodeBits: 0 });
  assert.deepEqual([badVersion[3]! & 0xf, badVersion.readUInt16BE(10), badVersion[12 + 5]], [0, 1, 1], 'the upper bits of the error stand in the record of EDNS');
});

test('decodeQuery() and decodeAnswer() throw at nothing', () => {
  const query = asked(question('web.example', { id: 5, edns: 1232 }));
  const whole = reply(question('web.example', { id: 5 }), { answers: [{ type: A, ttl: 60, data: Buffer.of(1, 2, 3, 4) }], authority: [{ type: 6, ttl: 9, data: soa(3) }] });
  const broken = fc.tuple(fc.constantFrom(whole, question('web.example', { id: 5, edns: 1232 })), fc.array(fc.tuple(fc.nat(90), fc.nat(255))), fc.nat(120)).map(([bytes, changes, length]) => {
    const copy = Buffer.from(bytes);
    for (const [at, value] of changes) if (at < copy.length) copy[at] = value;
    return copy.subarray(0, length);
  });
  fc.assert(fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 700 }).map((bytes) => Buffer.from(bytes))), (bytes) => {
    const decoded = decodeQuery(bytes);
    if (decoded !== undefined) {
      const answer = 'refuse' in decoded ? encodeRefusal(decoded) : encodeAnswer(decoded, RCODE.ok, [{ type: A, ttlSeconds: 1, data: Buffer.alloc(4) }]);
      assert.equal(answer.readUInt16BE(0), bytes.readUInt16BE(0));
    }
    const answer = decodeAnswer(bytes, 5, query);
    if (answer !== undefined) cutTo(40, answerTo(query, answer, 10), query);
  }), { numRuns: 3000 });
});

test('decodeAnswer() takes what answers this question under this id, and nothing else', () => {
  const sent = question('web.example', { id: 5 });
  const query = asked(sent);
  const answers = [{ type: A, ttl: 60, data: Buffer.of(1, 2, 3, 4) }];
  assert.equal(decodeAnswer(reply(sent, { answers }), 5, query)?.ttlSeconds, 60);
  assert.ok(decodeAnswer(reply(sent, { asks: Buffer.concat([name('WEB.example'), Buffer.of(0, 1, 0, 1)]), answers }), 5, query), 'in other letters');
  for (const [why, forged] of [
    ['id', reply(sent, { answers, id: 6 })], ['name', reply(sent, { answers, asks: Buffer.concat([name('web.examplf'), Buffer.of(0, 1, 0, 1)]) })],
    ['type', reply(sent, { answers, asks: Buffer.concat([name('web.example'), Buffer.of(0, 28, 0, 1)]) })], ['a question', sent], ['cut', reply(sent, { answers }).subarray(0, -1)],
  ] as const) assert.equal(decodeAnswer(forged, 5, query), undefined, why);
});

test('decodeAnswer(): for how long an answer may be kept', () => {
  const sent = question('web.example', { id: 5 });
  const ttl = (...[wish]: [Parameters<typeof reply>[1]]): number | undefined => decodeAnswer(reply(sent, wish), 5, asked(sent))?.ttlSeconds;
  const data = Buffer.of(1, 2, 3, 4);
  assert.equal(ttl({ answers: [{ type: A, ttl: 60, data }, { type: A, ttl: 30, data }] }), 30);
  assert.equal(ttl({ rcode: 3, authority: [{ type: 6, ttl: 900, data: soa(20) }] }), 20);
  assert.equal(ttl({ authority: [{ type: 6, ttl: 10, data: soa(20) }] }), 10, 'no such type');
  assert.equal(ttl({ rcode: 3 }), 0, 'nobody says how long there is none');
  assert.equal(ttl({ rcode: 2, answers: [{ type: A, ttl: 60, data }] }), 0, 'a failure');
  assert.equal(ttl({ flags: 0x8380, answers: [{ type: A, ttl: 60, data }] }), 0, 'cut');
  assert.equal(ttl({ answers: [{ type: A, ttl: 0xffffffff, data }] }), 0);
});

test('answerTo() repeats the client\'s id and spelling, and takes the age off the times', () => {
  const kept = decodeAnswer(reply(question('web.example', { id: 5 }), { answers: [{ type: A, ttl: 60, data: Buffer.of(1, 2, 3, 4) }] }), 5, asked(question('web.example')))!;
  const answer = read(answerTo(asked(question('wEb.example', { id: 77 })), kept, 20));
  assert.deepEqual([answer.id, answer.name, answer.answers[0]?.ttl], [77, 'wEb.example', 40]);
});

test('cutTo() keeps whole records and says that some are missing', () => {
  const query = asked(question('all', { edns: 512 }));
  const whole = encodeAnswer(query, RCODE.ok, Array.from({ length: 100 }, (_, i) => ({ type: A, ttlSeconds: 1, data: Buffer.of(10, 0, 0, i) })));
  const cut = cutTo(512, whole, query);
  const { truncated, answers, additional } = read(cut);
  assert.ok(cut.length <= 512 && truncated && additional === 1);
  assert.equal(answers.length, Math.floor((512 - 12 - 9 - 11) / 16));
  assert.equal(cutTo(9000, whole, query), whole);
});

test('encodeQuestion() asks the same and tells a server nothing else', () => {
  const mine = asked(Buffer.concat([question('Web', { id: 1, edns: 4000 })]));
  assert.equal(encodeQuestion(mine, 2).toString('hex'), question('Web', { id: 2, edns: 1232 }).toString('hex'));
});

test('encodeName() knows what DNS cannot say', () => {
  assert.deepEqual(encodeName('web.net'), name('web.net'));
  assert.equal(encodeName(`${'a'.repeat(64)}.net`), undefined);
  assert.equal(encodeName('a..b'), undefined);
});
