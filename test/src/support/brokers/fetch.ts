import { fromDebian } from './debian-tree.js';
import { fromMaven } from './maven.js';

/** Fetches what brokers are started from, so that tests need not wait for it; says what cannot be had. */
for (const name of ['broker-j', 'artemis']) {
  const found = await fromMaven(name);
  console.log(typeof found === 'string' ? `${name}: ${found}` : found.what);
}
const tree = await fromDebian('trixie', 'rabbitmq-server');
console.log(typeof tree === 'string' ? 'rabbitmq-server of Debian 13' : tree.missing);
