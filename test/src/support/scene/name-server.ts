import { createSocket } from 'node:dgram';

/** A name server of one test. Each name has addresses that it answers one after the other; the last stays. */
export async function startNameServer(
  address: string,
  names: ReadonlyMap<string, readonly string[]>,
): Promise<{ close(): void }> {
  const asked = new Map<string, number>();
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    // RFC 1035, section 4: the header of 12 bytes, then the question.
    const end = query.indexOf(0, 12) + 5;
    const name = labels(query.subarray(12, end - 5)).toLowerCase();
    const isAddress = query.readUInt16BE(end - 4) === 1;
    const all = names.get(name) ?? [];
    const count = asked.get(name) ?? 0;
    if (isAddress) asked.set(name, count + 1);
    const found = isAddress ? (all[Math.min(count, all.length - 1)] ?? '') : '';
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(all.length === 0 ? 0x8183 : 0x8180, 2);
    header.writeUInt16BE(found === '' ? 0 : 1, 6);
    header.fill(0, 8);
    // A pointer to the question's name; type A, class IN, no time to live, four bytes.
    const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...found.split('.').map(Number)];
    const parts = [header, query.subarray(12, end), ...(found === '' ? [] : [Buffer.from(answer)])];
    socket.send(Buffer.concat(parts), from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject).bind(53, address, resolve);
  });
  return { close: () => void socket.close() };
}

function labels(bytes: Buffer): string {
  const found: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at] ?? 0;
    found.push(bytes.subarray(at + 1, at + 1 + length).toString('latin1'));
    at += 1 + length;
  }
  return found.join('.');
}
