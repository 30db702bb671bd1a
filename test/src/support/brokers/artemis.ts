import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Program } from '../program.js';
import { asProcess, ready, type Recipe } from './local-process.js';
import { fromMaven } from './maven.js';
import type { MissingBroker, RealBroker } from './real-broker.js';
import { byFirstWay, fromContainer, fromEnvironment } from './ways.js';

/** Apache ActiveMQ Artemis. It has no exchanges and no 0-9-1. */
export function startArtemis(): Promise<RealBroker | MissingBroker> {
  return byFirstWay(
    'artemis',
    ['amqp10'],
    [
      fromEnvironment('IMAGEFACTORY_ARTEMIS_URL'),
      fromContainer({
        image: process.env.ARTEMIS_IMAGE ?? 'apache/activemq-artemis:latest-alpine',
        environment: { ANONYMOUS_LOGIN: 'true' },
        ready: /AMQ221007/,
      }),
      asProcess(recipe),
    ],
  );
}

async function recipe(): Promise<Recipe | string> {
  const found = await fromMaven('artemis');
  if (typeof found === 'string') return found;
  return {
    how: found.what,
    launch: async ({ port, directory }) => {
      await mkdir(join(directory, 'etc'), { recursive: true });
      await writeFile(join(directory, 'etc/broker.xml'), configuration(port));
      const broker = new Program(
        found.java,
        [
          ...['-Xmx384m', '-Dlog4j2.level=INFO', '-cp', found.classPath],
          ...['org.apache.activemq.artemis.core.server.embedded.Main', directory],
        ],
        { group: true },
      );
      return ready(broker, /AMQ221007/);
    },
  };
}

function configuration(port: number): string {
  return `<configuration xmlns="urn:activemq">
  <core xmlns="urn:activemq:core">
    <name>imagefactory-tests</name>
    <persistence-enabled>false</persistence-enabled>
    <security-enabled>false</security-enabled>
    <acceptors>
      <acceptor name="amqp">tcp://127.0.0.1:${port}?protocols=AMQP</acceptor>
    </acceptors>
    <address-settings>
      <address-setting match="#">
        <default-address-routing-type>MULTICAST</default-address-routing-type>
      </address-setting>
    </address-settings>
  </core>
</configuration>
`;
}
