import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Program } from '../program.js';
import { asProcess, ready, type Recipe } from './local-process.js';
import { fromMaven } from './maven.js';
import type { MissingBroker, RealBroker } from './real-broker.js';
import { byFirstWay, fromContainer, fromEnvironment } from './ways.js';

/** A configuration in other words than the one for tests. */
export interface ArtemisConfiguration {
  /** `broker.xml`, with an acceptor on 0.0.0.0:5672 where a free port of the loopback interface is to stand. */
  readonly xml: string;
  readonly users: string;
  readonly roles: string;
}

/** Apache ActiveMQ Artemis. It has no exchanges and no 0-9-1. */
export function startArtemis(own?: ArtemisConfiguration): Promise<RealBroker | MissingBroker> {
  const local = asProcess(() => recipe(own));
  return byFirstWay(
    'artemis',
    ['amqp10'],
    own !== undefined
      ? [local]
      : [
          fromEnvironment('IMAGEFACTORY_ARTEMIS_URL'),
          fromContainer({
            image: process.env.ARTEMIS_IMAGE ?? 'apache/activemq-artemis:latest-alpine',
            environment: { ANONYMOUS_LOGIN: 'true' },
            ready: /AMQ221007/,
          }),
          local,
        ],
  );
}

async function recipe(own: ArtemisConfiguration | undefined): Promise<Recipe | string> {
  const found = await fromMaven('artemis');
  if (typeof found === 'string') return found;
  return {
    how: found.what,
    launch: async ({ port, directory }) => {
      const etc = join(directory, 'etc');
      await mkdir(etc, { recursive: true });
      // An installation has one login module for all acceptors; a broker started by itself has to be told of it.
      const acceptor = `127.0.0.1:${port}?securityDomain=files;`;
      await writeFile(
        join(etc, 'broker.xml'),
        own?.xml.replace('0.0.0.0:5672?', acceptor) ?? configuration(port),
      );
      await writeFile(join(etc, 'login.config'), loginModule(etc));
      await writeFile(join(etc, 'artemis-users.properties'), own?.users ?? '');
      await writeFile(join(etc, 'artemis-roles.properties'), own?.roles ?? '');
      const broker = new Program(
        found.java,
        [
          ...['-Xmx384m', '-Dlog4j2.level=INFO', '-cp', found.classPath],
          `-Djava.security.auth.login.config=${join(etc, 'login.config')}`,
          ...['org.apache.activemq.artemis.core.server.embedded.Main', directory],
        ],
        { group: true },
      );
      return ready(broker, /AMQ221007/);
    },
  };
}

function loginModule(etc: string): string {
  return `files {
  org.apache.activemq.artemis.spi.core.security.jaas.PropertiesLoginModule required
    baseDir="${etc}"
    org.apache.activemq.jaas.properties.user="artemis-users.properties"
    org.apache.activemq.jaas.properties.role="artemis-roles.properties";
};
`;
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
