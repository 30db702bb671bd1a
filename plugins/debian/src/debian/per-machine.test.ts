import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { keptFunctions } from '../tree/kept.js';
import { perMachine, perMachineScript } from './per-machine.js';
import { runInRoot } from './run-in-root.test.fixture.js';

describe('what each machine has for itself', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'per-machine-'));
    for (const path of ['/etc/systemd/system', '/var/lib', '/root', '/home', '/opt', '/usr/local'])
      await mkdir(root + path, { recursive: true });
  });
  afterEach(() => rm(root, { recursive: true }));

  const put = async (path: string, content = 'x'): Promise<void> => {
    await mkdir(dirname(root + path), { recursive: true });
    await writeFile(root + path, content);
  };
  const isThere = (path: string): boolean => existsSync(root + path);

  /** Runs the script as in a guest, with the test's directory in place of the guest's root. */
  const clean = (keep: readonly string[] = []): string => {
    return runInRoot(root, `set -eu\n${keptFunctions(keep)}${perMachineScript()}`);
  };

  it('is taken out, each thing of the list, and said', async () => {
    const paths = perMachine.flatMap(({ paths, what, action = 'remove' }) =>
      paths.map(path => ({ path: path.replaceAll('*', 'one'), what, action })),
    );
    for (const { path } of paths) await put(path);
    await put('/var/lib/dbus/machine-id');
    const told = clean();
    for (const { path, what, action } of paths) {
      if (action === 'empty') expect(await readFile(root + path, 'utf8'), path).to.equal('');
      else expect(isThere(path), path).to.equal(false);
      expect(told).to.include(`each machine has its own ${what}: ${path} is taken out`);
    }
    expect(isThere('/var/lib/dbus/machine-id')).to.equal(false);
    expect(told).to.include('systemctl --quiet enable machine-keys.service');
  });

  it('stays where the template brings it, with its directories', async () => {
    const keep = [
      '/etc/ssh/ssh_host_rsa_key',
      '/var/lib/cloud/instances/i/x',
      '/etc//machine-id',
      "/var/log/it's.log",
    ];
    for (const path of [...keep, '/etc/ssh/ssh_host_dsa_key', '/var/log/other.log']) await put(path);
    clean(keep);
    for (const path of keep) expect(await readFile(root + path, 'utf8'), path).to.equal('x');
    expect(isThere('/etc/ssh/ssh_host_dsa_key')).to.equal(false);
    expect(isThere('/var/log/other.log')).to.equal(false);
  });

  it('leaves links to it nowhere, and a machine id that is a link', async () => {
    await put('/etc/ssl/certs/ssl-cert-snakeoil.pem');
    await put('/etc/ssl/certs/other.pem');
    await symlink('ssl-cert-snakeoil.pem', `${root}/etc/ssl/certs/1a2b.0`);
    await symlink('other.pem', `${root}/etc/ssl/certs/3c4d.0`);
    await put('/etc/machine-id', 'abc');
    await mkdir(`${root}/var/lib/dbus`);
    await symlink('/etc/machine-id', `${root}/var/lib/dbus/machine-id`);
    clean();
    expect(execFileSync('ls', [`${root}/etc/ssl/certs`], { encoding: 'utf8' })).to.equal(
      '3c4d.0\nother.pem\n',
    );
    expect(execFileSync('ls', [`${root}/var/lib/dbus`], { encoding: 'utf8' })).to.equal('machine-id\n');
  });

  it('is none of the template where that goes there through a link', async () => {
    const [dead, mine] = ['/var/mail/other', '/var/mail/root'];
    for (const path of [dead, mine, '/var/lib/cloud/instances/i/x', '/var/log/a.log', '/srv/at-the-end'])
      await put(path);
    await mkdir(`${root}/var/spool`);
    await symlink('../mail', `${root}/var/spool/mail`);
    await symlink('/var/lib/cloud/instances/i'.replace(/^/, root), `${root}/opt/data`);
    await symlink('../../srv/at-the-end', `${root}/var/log/link.log`);
    clean(['/var/spool/mail/root', '/opt/data/x', '/var/log/link.log', '/opt/no-such-directory/y']);
    expect([isThere(dead), isThere('/var/log/a.log')]).to.deep.equal([false, false]);
    for (const path of [mine, '/var/lib/cloud/instances/i/x', '/var/log/link.log', '/srv/at-the-end'])
      expect(isThere(path), path).to.equal(true);
  });

  it('leaves a service of the template alone that has the name of ours', async () => {
    const path = '/etc/systemd/system/machine-keys.service';
    await put(path, 'mine');
    expect(clean([path])).not.to.include('systemctl');
    expect(await readFile(root + path, 'utf8')).to.equal('mine');
  });

  it('has the cases of the original, of virt-sysprep(1), and keys that packages of Debian make', () => {
    const all = perMachine.flatMap(({ paths }) => paths);
    expect(all).to.include.members([
      '/etc/udev/rules.d/70-persistent-net.rules',
      '/etc/ssh/ssh_host_*',
      '/etc/ssl/private/ssl-cert-snakeoil.key',
      '/etc/ssl/certs/ssl-cert-snakeoil.pem',
      '/etc/machine-id',
      '/var/lib/systemd/random-seed',
      '/var/lib/dhcp/*.leases*',
      '/etc/krb5.keytab',
      '/etc/dropbear/dropbear_*_host_key',
      '/etc/dropbear/initramfs/dropbear_*_host_key',
      '/etc/nsd/nsd_server.*',
      '/etc/munge/munge.key',
      '/etc/xrdp/rsakeys.ini',
      '/etc/iscsi/initiatorname.iscsi',
      '/var/lib/samba/private/secrets.tdb',
      '/var/lib/sss/db/*',
      '/root/.bash_history',
    ]);
  });

  it('is made anew by each machine at its boot, where its program is there', async () => {
    clean();
    const unit = await readFile(`${root}/etc/systemd/system/machine-keys.service`, 'utf8').then(text =>
      text.replaceAll(root, ''),
    );
    for (const { remake } of perMachine) if (remake !== undefined) expect(unit).to.include(remake.command);
    expect(unit)
      .to.match(/^Before=ssh\.socket ssh\.service apache2\.service/m)
      .and.not.match(/[%$]/);
  });

  it('names private keys that stay, but for those of the template', async () => {
    const key = '-----BEGIN OPENSSH PRIVATE KEY-----\n';
    await put('/opt/some/key', key);
    await put('/etc/mine.pem', `text\n${key}`);
    await put('/etc/public.pem', '-----BEGIN PUBLIC KEY-----\n');
    const told = clean(['/etc/mine.pem'])
      .split('\n')
      .filter(line => line.includes('private key'));
    expect(told).to.deep.equal([
      'all machines of this image will share the private key /opt/some/key; remove it by a command, unless that is meant',
    ]);
  });
});
