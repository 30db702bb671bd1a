import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { blockOf } from '../doc-blocks.js';
import { freeOwnPort } from '../own-port.js';
import { projectRoot } from '../program.js';
import { brokerJRecipe, configuration } from './broker-j.js';
import { asProcess } from './local-process.js';
import { installedRabbitMq } from './rabbitmq.js';
import { rabbitMqRecipe } from './rabbitmq-process.js';

/** The certificates of the tests; what there is stands in the README beside them. */
export const certificate = (name: string): string => join(projectRoot, 'qmf/test/certificates', name);

/** A broker with users `guest` (password `guest`) and `alice` (who has a certificate). */
export interface SecureBroker {
  readonly how: string;
  /** Without TLS; for users with a password. */
  readonly plainPort: number;
  /** With TLS; lets nobody in without a client certificate. */
  readonly certifiedPort: number;
  /** With TLS, for users with a password; absent where all TLS ports are of one kind. */
  readonly passwordPort?: number;
  stop(): Promise<void>;
}

/** @returns the broker, or why there is none */
export async function startSecureRabbitMq(): Promise<SecureBroker | string> {
  const installation = await installedRabbitMq();
  if (typeof installation === 'string') return installation;
  const certifiedPort = await freeOwnPort();
  const directory = await mkdtemp(join(tmpdir(), 'imagefactory-definitions-'));
  const definitions = join(directory, 'definitions.json');
  await writeFile(definitions, JSON.stringify(rabbitMqDefinitions()));
  const settings = [
    ...(await blockOf('Credentials', 'ini'))
      .trim()
      .replace('= 5671', `= 127.0.0.1:${certifiedPort}`)
      .replaceAll(/\/etc\/rabbitmq\/([\w.]+)/g, (_path, name: string) => certificate(name))
      .split('\n'),
    `load_definitions = ${definitions}`,
  ];
  const plugins = [...installation.plugins, 'rabbitmq_auth_mechanism_ssl'];
  const started = await asProcess(() =>
    Promise.resolve(rabbitMqRecipe({ ...installation, plugins, settings })),
  )();
  const removeDefinitions = (): Promise<void> => rm(directory, { recursive: true });
  if (typeof started === 'string') {
    await removeDefinitions();
    return started;
  }
  return {
    how: started.how,
    plainPort: portOf(started.url),
    certifiedPort,
    stop: async () => {
      await started.stop();
      await removeDefinitions();
    },
  };
}

function rabbitMqDefinitions(): object {
  const everything = { configure: '.*', write: '.*', read: '.*' };
  return {
    users: [
      { name: 'guest', password: 'guest', tags: '' },
      { name: 'alice', password_hash: '', hashing_algorithm: 'rabbit_password_hashing_sha256', tags: '' },
    ],
    vhosts: [{ name: '/' }, { name: 'not-for-guest' }],
    permissions: [
      { user: 'guest', vhost: '/', ...everything },
      { user: 'alice', vhost: '/', ...everything },
    ],
  };
}

/** @returns the broker, or why there is none */
export async function startSecureBrokerJ(): Promise<SecureBroker | string> {
  const [certifiedPort, passwordPort] = [await freeOwnPort(), await freeOwnPort()];
  const configure = (port: number): object => {
    const plain = configuration(port);
    const [common] = plain.ports;
    const secure = { ...common, transports: ['SSL'], keyStore: 'key' };
    return {
      ...plain,
      authenticationproviders: [
        ...plain.authenticationproviders,
        { name: 'certificates', type: 'External', useFullDN: false },
      ],
      keystores: [
        {
          name: 'key',
          type: 'NonJavaKeyStore',
          certificateUrl: certificate('server.pem'),
          privateKeyUrl: certificate('server.key'),
        },
      ],
      truststores: [{ name: 'trust', type: 'NonJavaTrustStore', certificatesUrl: certificate('ca.pem') }],
      ports: [
        ...plain.ports,
        { ...secure, name: 'PASSWORDS', port: String(passwordPort) },
        {
          ...secure,
          name: 'CERTIFICATES',
          port: String(certifiedPort),
          authenticationProvider: 'certificates',
          needClientAuth: true,
          trustStores: ['trust'],
        },
      ],
    };
  };
  const started = await asProcess(() => brokerJRecipe(configure))();
  if (typeof started === 'string') return started;
  const { how, stop } = started;
  return { how, plainPort: portOf(started.url), certifiedPort, passwordPort, stop };
}

function portOf(url: string): number {
  return Number(new URL(url.replace(/^\w+:/, 'http:')).port);
}
