import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLog } from '../../src/proxy/log.ts';
import { createRelay } from '../../src/proxy/publish.ts';
import { parseProxyRules } from '../../src/proxy/rules.ts';
import { ended, read, readUntil, Rig, rulesOf } from './rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => {
  rig.close();
});

/** A proxy in front of one server of the name `a.test`, whose address is a private one that is opened. */
async function inFrontOf(serve: Parameters<Rig['server']>[0]) {
  const target = await rig.server(serve);
  const at = String(target);
  rig.names.set('a.test', ['127.0.0.1']);
  const rules = { allow: [`a.test:${at}`], allow_private: [`127.0.0.1:${at}`] };
  return { at, rules, proxy: await rig.proxy(rules) };
}

describe('CONNECT', () => {
  test('joins both sides, early bytes and half an end included', async () => {
    const { at, proxy } = await inFrontOf((socket) => {
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      // Says something only after it was told the end.
      socket.on('end', () => socket.end(`heard ${text}`));
    });
    const client = await rig.client(proxy.port);
    client.write(`CONNECT A.test.:${at} HTTP/1.1\r\nHost: a.test:${at}\r\n\r\nearly `);
    await readUntil(client, '200 Connection established\r\n\r\n');
    client.end('late');
    expect(await read(client)).toBe('heard early late');
    expect(rig.log).toEqual([
      expect.objectContaining({ verdict: 'allowed', method: 'CONNECT', host: 'a.test', port: Number(at) }),
    ]);
    expect(rig.log[0]?.['received']).toBe(
      'HTTP/1.1 200 Connection established\r\n\r\nheard early late'.length,
    );
  });

  test('HTTP/1.0 without a Host, as Python asks', async () => {
    const { at, proxy } = await inFrontOf((socket) => socket.end('hello'));
    expect(await rig.say(proxy.port, `CONNECT a.test:${at} HTTP/1.0\r\n\r\n`)).toMatch(/ 200 .*hello$/s);
  });

  test('a side that breaks off breaks the other', async () => {
    const { at, proxy } = await inFrontOf((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const client = await rig.client(proxy.port);
    client.write(`CONNECT a.test:${at} HTTP/1.1\r\n\r\n`);
    await readUntil(client, '\r\n\r\n');
    const closed = ended(client);
    client.write('x');
    await closed;
  });

  test('who says nothing more is not read on: no more than the pipes hold is taken', async () => {
    const { at, proxy } = await inFrontOf((socket) => socket.pause());
    const client = await rig.client(proxy.port);
    client.write(`CONNECT a.test:${at} HTTP/1.1\r\n\r\n`);
    await readUntil(client, '\r\n\r\n');
    const chunk = Buffer.alloc(1 << 20);
    // Until a write is not taken by the kernel within the time that a hundred of them took.
    let taken = 0;
    for (;;) {
      const done = new Promise<boolean>((resolve) =>
        client.write(chunk, () => {
          resolve(true);
        }),
      );
      const late = new Promise<boolean>((resolve) => setTimeout(resolve, 150, false));
      if (!(await Promise.race([done, late]))) break;
      taken += 1;
      expect(taken).toBeLessThan(64);
    }
  });
});

describe('plain http', () => {
  const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok';

  /** What a server of `a.test` gets when this is sent, after which it answers. */
  async function sentOn(lines: (at: string) => readonly string[], body = '', until = body): Promise<string> {
    let got = '';
    const { at, proxy } = await inFrontOf((socket) => {
      socket.on('data', (chunk) => {
        got += chunk.toString('latin1');
        if (got.includes('\r\n\r\n') && got.endsWith(until)) socket.end(OK);
      });
    });
    expect(await rig.say(proxy.port, `${lines(at).join('\r\n')}\r\n\r\n${body}`)).toBe(OK);
    return got.replaceAll(at, 'PORT');
  }

  test('goes on in origin-form, without what is of this connection alone', async () => {
    const head = await sentOn((at) => [
      `GET http://A.test:${at}/x?y=%20 HTTP/1.1`,
      ...[
        `Host: a.test:${at}`,
        'Accept: */*',
        'Proxy-Authorization: Basic x',
        'Proxy-Connection: keep-alive',
      ],
      ...['Connection: keep-alive, X-Hop', 'X-Hop: 1', 'Upgrade: h2c', 'TE: trailers'],
    ]);
    expect(head).toBe(
      'GET /x?y=%20 HTTP/1.1\r\nhost: a.test:PORT\r\naccept: */*\r\nconnection: close\r\n\r\n',
    );
  });

  test('a body passes whole, and nothing after it', async () => {
    const got = await sentOn(
      (at) => [`POST http://a.test:${at} HTTP/1.1`, `Host: a.test:${at}`, 'Content-Length: 4'],
      'bodyGET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n',
      'body',
    );
    expect(got).toMatch(/^POST \/ HTTP\/1\.1\r\n[^]*\r\n\r\nbody$/);
  });

  test('so does one in chunks', async () => {
    const chunks = '4\r\nbody\r\nA\r\n0123456789\r\n0\r\n\r\n';
    const got = await sentOn(
      (at) => [`POST http://a.test:${at}/ HTTP/1.1`, `Host: a.test:${at}`, 'Transfer-Encoding: chunked'],
      `${chunks}GET /evil HTTP/1.1\r\nHost: a.test\r\n\r\n`,
      chunks,
    );
    expect(got.endsWith(`transfer-encoding: chunked\r\nconnection: close\r\n\r\n${chunks}`)).toBe(true);
  });

  test.each([
    'g\r\n',
    '4;x=y\r\nbody',
    '4\nbody',
    '4\r\nbodyX',
    '0\r\nTrailer: x\r\n\r\n',
    '100000000\r\n',
    '\r\n',
  ])('chunks that are none end it: %j', async (chunks) => {
    let got = '';
    const { at, proxy } = await inFrontOf((socket) => socket.on('data', (chunk) => (got += String(chunk))));
    const head = [`POST http://a.test:${at}/ HTTP/1.1`, `Host: a.test:${at}`, 'Transfer-Encoding: chunked'];
    expect(await rig.say(proxy.port, `${head.join('\r\n')}\r\n\r\n${chunks}`)).toBe('');
    expect(got).not.toContain('Trailer');
  });
});

describe('where a name leads', () => {
  test.each([['127.0.0.1'], ['::ffff:127.0.0.1'], ['169.254.169.254'], ['10.0.0.1', 'fd00::1'], ['0.0.0.0']])(
    'a listed name at %s is not dialled',
    async (...addresses) => {
      rig.names.set('a.test', addresses);
      const proxy = await rig.proxy({ allow: ['a.test'] });
      const answer = await rig.say(proxy.port, 'CONNECT a.test:443 HTTP/1.1\r\n\r\n');
      expect(answer).toMatch(/^HTTP\/1\.1 403 .*a\.test: its address is not one of the internet/s);
      expect(rig.log).toEqual([expect.objectContaining({ verdict: 'denied', host: 'a.test' })]);
    },
  );

  test('one without an address, or that does not answer', async () => {
    const proxy = await rig.proxy({ allow: ['none.test', '127.0.0.1:1'] });
    expect(await rig.say(proxy.port, 'CONNECT none.test:443 HTTP/1.1\r\n\r\n')).toMatch(/ 502 .*no address/s);
    expect(await rig.say(proxy.port, 'CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n')).toMatch(/ 502 .*not answer/s);
    expect(rig.log.map(({ verdict }) => verdict)).toEqual(['failed', 'failed']);
  });

  test('a private address that is itself on the list is dialled', async () => {
    const target = await rig.server((socket) => socket.end('hello'));
    const proxy = await rig.proxy({ allow: [`127.0.0.1:${String(target)}`] });
    const answer = await rig.say(proxy.port, `CONNECT 127.0.0.1:${String(target)} HTTP/1.1\r\n\r\n`);
    expect(answer).toMatch(/hello$/);
    expect(rig.asked).toEqual([]);
  });
});

test('rules that change: new requests obey, and what is not allowed any more is cut', async () => {
  const { at, rules, proxy } = await inFrontOf((socket) => socket.resume());
  const client = await rig.client(proxy.port);
  client.write(`CONNECT a.test:${at} HTTP/1.1\r\n\r\n`);
  await readUntil(client, '\r\n\r\n');
  const closed = ended(client);
  proxy.use(rulesOf({ ...rules, allow: ['b.test'] }));
  await closed;
  expect(await rig.say(proxy.port, `CONNECT a.test:${at} HTTP/1.1\r\n\r\n`)).toMatch(/ 403 /);
});

test('a published port is handed on, both ways', async () => {
  const target = await rig.server((socket) => {
    socket.on('data', (chunk) => socket.end(`heard ${String(chunk)}`));
  });
  const relay = await rig.listen(createRelay({ address: '127.0.0.1', port: target }));
  expect(await rig.say(relay, 'hello')).toBe('heard hello');
});

test('a published port behind which nobody listens is closed at once', async () => {
  const relay = await rig.listen(createRelay({ address: '127.0.0.1', port: 1 }));
  expect(await rig.say(relay, 'hello')).toBe('');
});

test('the log is held to a rate, and counts what it leaves out', () => {
  const lines: string[] = [];
  let now = 0;
  const log = createLog(
    (line) => lines.push(line),
    () => now,
  );
  for (let i = 0; i < 10_000; i++) log.request({ verdict: 'denied' });
  expect(lines).toHaveLength(200);
  now = 1000;
  for (let i = 0; i < 10; i++) log.request({ verdict: 'denied', host: 'a.test' });
  expect(lines.slice(200).map((line) => JSON.parse(line) as object)).toEqual([
    { schema: 1, time: '1970-01-01T00:00:01.000Z', verdict: 'more', count: 9800 },
    { schema: 1, time: '1970-01-01T00:00:01.000Z', verdict: 'denied', host: 'a.test' },
    { schema: 1, time: '1970-01-01T00:00:01.000Z', verdict: 'denied', host: 'a.test' },
  ]);
});

const VALID = { schema: 1, listen: { address: '10.213.4.2', port: 3128 }, allow: ['a.test'] };
test.each([
  ['nothing', ''],
  ['a list', '[]'],
  ['another schema', { ...VALID, schema: 2 }],
  ['no list', { ...VALID, allow: undefined }],
  ['one entry that is none', { ...VALID, allow: ['a.test', '*'] }],
  ['a private name', { ...VALID, allow_private: ['a.test'] }],
  ['an address that is none', { ...VALID, listen: { address: 'a.test', port: 3128 } }],
  ['a port that is none', { ...VALID, publish: [{ listen: 0, to: { address: '10.213.4.3', port: 80 } }] }],
  ['an id that is none', { ...VALID, id: 7 }],
  ['a name server that is none', { ...VALID, dns: ['dns.test'] }],
])('rules are refused whole: %s', (_, file) => {
  const text = typeof file === 'string' ? file : JSON.stringify(file);
  expect(() => parseProxyRules(text)).toThrow();
  expect(() => parseProxyRules(JSON.stringify(VALID))).not.toThrow();
});
