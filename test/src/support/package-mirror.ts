import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, normalize } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A package that {@link makeMirror} makes. */
export interface MirrorPackage {
  readonly name: string;
  /** More lines of its control file, such as `Essential: yes`. */
  readonly control?: readonly string[];
  /** Shell text that fills the directory `$tree` with its files. */
  readonly files?: string;
  readonly preinst?: string;
}

/** A repository of packages, signed. */
export interface Mirror {
  /** The directory that a server shows. */
  readonly root: string;
  /** A directory for `/etc/apt/trusted.gpg.d`, with the key. */
  readonly keys: string;
}

/** Makes a repository of Debian's form with dpkg-deb and gpg, in a new directory; every suite has the same packages. */
export async function makeMirror(
  directory: string,
  suites: readonly string[],
  packages: readonly MirrorPackage[],
): Promise<Mirror> {
  const root = join(directory, 'mirror');
  const keys = join(directory, 'keys');
  const home = join(directory, 'gnupg');
  await mkdir(join(root, 'pool'), { recursive: true });
  await mkdir(keys);
  await mkdir(home, { mode: 0o700 });
  const gpg = (...args: string[]) => run('gpg', ['--homedir', home, '--batch', '--quiet', ...args]);
  await gpg('--passphrase', '', '--quick-gen-key', 'mirror@example.com', 'rsa2048', 'sign', 'never');
  await gpg('--output', join(keys, 'mirror.gpg'), '--export', 'mirror@example.com');
  const index: string[] = [];
  for (const one of packages) index.push(await makePackage(directory, root, keys, one));
  const content = index.join('\n');
  for (const suite of suites) {
    const place = join(root, 'dists', suite);
    await mkdir(join(place, 'main/binary-amd64'), { recursive: true });
    await writeFile(join(place, 'main/binary-amd64/Packages'), content);
    const release = join(place, 'Release');
    const sum = createHash('sha256').update(content).digest('hex');
    await writeFile(
      release,
      `Origin: test\nSuite: ${suite}\nCodename: ${suite}\nDate: ${new Date().toUTCString().replace('GMT', 'UTC')}\n` +
        `Architectures: amd64\nComponents: main\nSHA256:\n ${sum} ${Buffer.byteLength(content)} main/binary-amd64/Packages\n`,
    );
    await gpg('--clearsign', '--output', join(place, 'InRelease'), release);
  }
  await run('gpgconf', ['--homedir', home, '--kill', 'all']);
  await rm(home, { recursive: true });
  return { root, keys };
}

/** Makes a package, and returns its paragraph of the index. */
async function makePackage(
  directory: string,
  root: string,
  keys: string,
  { name, control = [], files = '', preinst }: MirrorPackage,
): Promise<string> {
  const tree = join(directory, `package-${name}`);
  await mkdir(join(tree, 'DEBIAN'), { recursive: true });
  const lines = [
    ...[`Package: ${name}`, 'Version: 1', 'Architecture: amd64', ...control],
    ...['Maintainer: nobody <nobody@example.com>', `Description: ${name} of a test`],
  ];
  await writeFile(join(tree, 'DEBIAN/control'), `${lines.join('\n')}\n`);
  if (preinst !== undefined) {
    await writeFile(join(tree, 'DEBIAN/preinst'), `#!/bin/sh\n${preinst}\n`);
    await chmod(join(tree, 'DEBIAN/preinst'), 0o755);
  }
  await run('sh', ['-euc', `umask 022; cd "$tree"; ${files}`], { env: { ...process.env, tree, keys } });
  const filename = `pool/${name}_1_amd64.deb`;
  await run('dpkg-deb', ['-Znone', '--root-owner-group', '--build', tree, join(root, filename)]);
  await rm(tree, { recursive: true });
  const archive = await readFile(join(root, filename));
  const sum = createHash('sha256').update(archive).digest('hex');
  return `${lines.join('\n')}\nFilename: ${filename}\nSize: ${archive.length}\nSHA256: ${sum}\n`;
}

/** What a server was asked for: the request's URL, and the credentials for a proxy. */
export interface Asked {
  readonly url: string;
  readonly authorization: string | undefined;
}

/** A server of the files below a directory, also for those who take it for a proxy. */
export interface MirrorServer {
  readonly port: number;
  readonly asked: readonly Asked[];
  close(): void;
}

/** @param answer answers requests instead; returns whether it has */
export async function serveMirror(
  root: string,
  address: string,
  answer: (request: IncomingMessage, response: ServerResponse) => boolean = () => false,
): Promise<MirrorServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://mirror.invalid');
    asked.push({ url: request.url ?? '', authorization: request.headers['proxy-authorization'] });
    if (answer(request, response)) return;
    const path = join(root, normalize(url.pathname.replace(/^\/debian/, '')));
    stat(path)
      .then(info => {
        if (!info.isFile()) throw new Error('no file');
        response.setHeader('content-length', info.size);
        createReadStream(path).pipe(response);
      })
      .catch(() => response.writeHead(404).end());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, address, resolve));
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    asked,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
