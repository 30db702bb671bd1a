import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../lane.js';
import { Program } from '../program.js';
import { startQpidd } from './qpidd.js';
import type { MissingBroker, RealBroker } from './real-broker.js';

/** A qpidd that lets in nobody but these users, by PLAIN or SCRAM. */
export async function startQpiddWithUsers(
  users: Readonly<Record<string, string>>,
): Promise<RealBroker | MissingBroker> {
  const tool = await findProgram('saslpasswd2');
  if (tool === undefined)
    return { kind: 'qpidd', missing: 'saslpasswd2 is not installed (Debian: sasl2-bin)' };
  const directory = await mkdtemp(join(tmpdir(), 'imagefactory-sasl-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  const database = join(directory, 'users.sasldb');
  for (const [user, password] of Object.entries(users)) {
    const args = ['-p', '-c', '-f', database, '-u', 'QPID', user];
    const made = await Program.run(tool, args, { input: `${password}\n` });
    if (made.status !== 0) {
      await remove();
      return { kind: 'qpidd', missing: `saslpasswd2 failed: ${made.output}` };
    }
  }
  await writeFile(
    join(directory, 'qpidd.conf'),
    `pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: ${database}\nmech_list: SCRAM-SHA-256 PLAIN\n`,
  );
  const started = await startQpidd(['--auth', 'yes', '--sasl-config', directory]);
  if ('missing' in started) {
    await remove();
    return started;
  }
  return {
    ...started,
    stop: async () => {
      await started.stop();
      await remove();
    },
  };
}
