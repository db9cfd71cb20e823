/**
 * Listens in a network namespace and writes down all that arrives, until its stdin ends:
 * `node listeners.cjs LOG WHO KNOWN-NAMES DNS-ADDRESS...`
 */
const { Buffer } = require('node:buffer');
const { createServer } = require('node:net');
const { createSocket } = require('node:dgram');
const { appendFileSync } = require('node:fs');

const [log, who, known, ...dnsAddresses] = process.argv.slice(2);
const names = JSON.parse(known);
const note = (what) => appendFileSync(log, `${who} ${what}\n`);
const ready = [];

/** A web server's answer to whatever is said. */
function serve(port, host) {
  const server = createServer((socket) => {
    note(`tcp ${socket.localAddress}:${port}`);
    socket.on('error', () => undefined);
    socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nhello\n'));
  });
  ready.push(new Promise((resolve) => server.listen({ port, host, ipv6Only: true }, resolve)));
}

function receive(port, address, onMessage) {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  socket.on('message', (message, from) =>
    onMessage(message, (reply) => socket.send(reply, from.port, from.address)),
  );
  ready.push(new Promise((resolve) => socket.bind(port, address, resolve)));
}

/** The name that is asked for, and where the question ends (RFC 1035 §4.1). */
function read(question) {
  const labels = [];
  let at = 12;
  for (; question[at] > 0; at += question[at] + 1)
    labels.push(question.toString('latin1', at + 1, at + 1 + question[at]));
  return { name: labels.join('.').toLowerCase(), type: question.readUInt16BE(at + 1), end: at + 5 };
}

/** A known name has one IPv4 address; of all others it is said that there are none. */
function answer(question) {
  const { name, type, end } = read(question);
  note(`dns ${name}`);
  const address = names[name];
  const isGiven = address !== undefined && type === 1;
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(address === undefined ? 0x8183 : 0x8180, 2);
  header.writeUInt16BE(isGiven ? 1 : 0, 6);
  header.writeUInt32BE(0, 8);
  const record = isGiven ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)] : [];
  return Buffer.concat([header, question.subarray(12, end), Buffer.from(record)]);
}

for (const port of [22, 80, 443, 8443]) serve(port, '0.0.0.0');
serve(80, '::');
receive(9999, '0.0.0.0', () => note('udp 9999'));
receive(9998, '0.0.0.0', (message) => note(`udp ${message}`));
for (const address of dnsAddresses) receive(53, address, (question, reply) => reply(answer(question)));
serve(53, dnsAddresses[0]);
Promise.all(ready).then(() => note('up'));
process.stdin.resume().on('end', () => process.exit());
