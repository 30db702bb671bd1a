import { BlockList, isIP } from 'node:net';

/** IPv4 networks that are not the public internet: IANA's special-purpose registry, multicast, and reserved ones. */
export const specialNetworks: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
];

const special = new BlockList();
for (const [network, prefix] of specialNetworks) special.addSubnet(network, prefix, 'ipv4');

/**
 * Whether an address is one of the public internet: neither this machine nor its network, in whatever form it is written. Text
 * that is no address is not.
 */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !special.check(address, 'ipv4');
    case 6:
      return isPublicIpv6(address);
    default:
      return false;
  }
}

function isPublicIpv6(address: string): boolean {
  const groups = groupsOf(address);
  if (groups === undefined) return false;
  const [first = 0, second = 0] = groups;
  const start = groups.slice(0, 6).join(':');
  // IPv4 addresses in IPv6 form: mapped, and translated by a NAT64 of RFC 6052.
  if (start === [0, 0, 0, 0, 0, 0xffff].join(':') || start === [0x64, 0xff9b, 0, 0, 0, 0].join(':')) {
    return isPublicAddress(ipv4Of(groups.slice(6)));
  }
  if ((first & 0xe000) !== 0x2000) return false;
  const isSpecial =
    // Teredo, benchmarks, ORCHID and the like; documentation; 6to4, which hides an IPv4 address; documentation again.
    (first === 0x2001 && second < 0x200) ||
    (first === 0x2001 && second === 0xdb8) ||
    first === 0x2002 ||
    (first === 0x3fff && second < 0x1000);
  return !isSpecial;
}

function ipv4Of([high = 0, low = 0]: readonly number[]): string {
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The eight groups; undefined for an address with a zone, which is none of the internet's. */
function groupsOf(address: string): readonly number[] | undefined {
  const url = `http://[${address}]/`;
  if (!URL.canParse(url)) return undefined;
  // Without zeros in front and without dots, as the URL standard writes them.
  const [head = '', tail] = new URL(url).hostname.slice(1, -1).split('::');
  const numbers = (text: string): number[] =>
    text === '' ? [] : text.split(':').map(group => parseInt(group, 16));
  const front = numbers(head);
  if (tail === undefined) return front;
  const back = numbers(tail);
  return [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addSubnet('0.0.0.0', 8, 'ipv4');

/** Whether an address is the loopback of the machine that connects to it, in whatever form it is written. */
export function isLoopbackAddress(address: string): boolean {
  if (isIP(address) === 4) return loopback.check(address, 'ipv4');
  const groups = isIP(address) === 6 ? groupsOf(address) : undefined;
  if (groups === undefined) return false;
  const [last = 0] = groups.slice(7);
  if (groups.slice(0, 7).every(group => group === 0)) return last <= 1;
  const mapped = groups.slice(0, 5).every(group => group === 0) && groups[5] === 0xffff;
  return mapped && loopback.check(ipv4Of(groups.slice(6)), 'ipv4');
}
