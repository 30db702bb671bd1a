import { quoted } from '../tree/guest-files.js';

/** Something that each machine has for itself, and that packages, or the build, have put into the image. */
interface PerMachine {
  /** In a few words, for the log. */
  readonly what: string;
  /** Patterns of the shell. */
  readonly paths: readonly string[];
  /** Default: the files are removed. */
  readonly action?: 'remove' | 'empty';
  /** How a machine gets its own at its boot; where there is none, the program concerned does so by itself. */
  readonly remake?: {
    /** Nothing is made without this program, or while this file is there. */
    readonly program: string;
    readonly missing: string;
    /** For the shell, without single quotes, `%` and `$`. */
    readonly command: string;
  };
}

/**
 * The cases of the original (network rules of udev), of virt-sysprep(1) where they concern Debian, and what Debian's packages make when they
 * are installed.
 */
export const perMachine: readonly PerMachine[] = [
  {
    what: 'SSH host keys',
    paths: ['/etc/ssh/ssh_host_*'],
    // It makes those that are missing, and has a name for each kind.
    remake: { program: '/usr/bin/ssh-keygen', missing: '/nonexistent', command: 'ssh-keygen -A' },
  },
  {
    what: 'key and certificate of ssl-cert',
    paths: ['/etc/ssl/private/ssl-cert-snakeoil.key', '/etc/ssl/certs/ssl-cert-snakeoil.pem'],
    remake: {
      program: '/usr/sbin/make-ssl-cert',
      missing: '/etc/ssl/private/ssl-cert-snakeoil.key',
      command: 'make-ssl-cert generate-default-snakeoil',
    },
  },
  {
    what: 'key of the name server',
    paths: ['/etc/bind/rndc.key'],
    remake: {
      program: '/usr/sbin/rndc-confgen',
      missing: '/etc/bind/rndc.key',
      command: 'rndc-confgen -a && chown bind:bind /etc/bind/rndc.key',
    },
  },
  {
    what: 'keys of unbound',
    paths: ['/etc/unbound/unbound_server.*', '/etc/unbound/unbound_control.*'],
    remake: {
      program: '/usr/sbin/unbound-control-setup',
      missing: '/etc/unbound/unbound_server.key',
      command: 'unbound-control-setup',
    },
  },
  {
    what: 'NVMe host name',
    paths: ['/etc/nvme/hostnqn', '/etc/nvme/hostid'],
    remake: {
      program: '/usr/sbin/nvme',
      missing: '/etc/nvme/hostnqn',
      command: 'nvme gen-hostnqn > /etc/nvme/hostnqn; cat /proc/sys/kernel/random/uuid > /etc/nvme/hostid',
    },
  },
  {
    what: 'keys of nsd',
    paths: ['/etc/nsd/nsd_server.*', '/etc/nsd/nsd_control.*'],
    remake: {
      program: '/usr/sbin/nsd-control-setup',
      missing: '/etc/nsd/nsd_server.key',
      command: 'nsd-control-setup',
    },
  },
  {
    what: 'host keys of Dropbear',
    paths: ['/etc/dropbear/dropbear_*_host_key', '/etc/dropbear/initramfs/dropbear_*_host_key'],
    remake: {
      program: '/usr/bin/dropbearkey',
      missing: '/etc/dropbear/dropbear_ed25519_host_key',
      command:
        'cd /etc/dropbear && dropbearkey -t rsa -f dropbear_rsa_host_key && dropbearkey -t ecdsa -f dropbear_ecdsa_host_key && dropbearkey -t ed25519 -f dropbear_ed25519_host_key',
    },
  },
  {
    what: 'key of MUNGE',
    paths: ['/etc/munge/munge.key'],
    remake: {
      program: '/usr/sbin/mungekey',
      missing: '/etc/munge/munge.key',
      command:
        'mungekey --create && chown munge:munge /etc/munge/munge.key && chmod 0400 /etc/munge/munge.key',
    },
  },
  {
    what: 'key of xrdp',
    paths: ['/etc/xrdp/rsakeys.ini'],
    remake: {
      program: '/usr/bin/xrdp-keygen',
      missing: '/etc/xrdp/rsakeys.ini',
      command:
        'xrdp-keygen xrdp /etc/xrdp/rsakeys.ini && chown root:xrdp /etc/xrdp/rsakeys.ini && chmod 0640 /etc/xrdp/rsakeys.ini',
    },
  },
  {
    what: 'iSCSI name',
    paths: ['/etc/iscsi/initiatorname.iscsi'],
    remake: {
      program: '/usr/sbin/iscsi-iname',
      missing: '/etc/iscsi/initiatorname.iscsi',
      command:
        '{ printf InitiatorName=; iscsi-iname; } > /etc/iscsi/initiatorname.iscsi; chmod 0600 /etc/iscsi/initiatorname.iscsi',
    },
  },
  { what: 'keys of Kerberos', paths: ['/etc/krb5.keytab', '/var/lib/krb5kdc/*'] },
  { what: 'machine id', paths: ['/etc/machine-id'], action: 'empty' },
  {
    what: 'random seed',
    paths: ['/var/lib/systemd/random-seed', '/var/lib/urandom/random-seed', '/var/lib/random-seed'],
  },
  { what: 'secret of systemd-creds', paths: ['/var/lib/systemd/credential.secret'] },
  {
    what: 'DHCP lease or identifier',
    paths: [
      '/var/lib/dhcp/*.leases*',
      '/var/lib/dhcpcd/*',
      '/var/lib/dhclient/*',
      '/etc/dhcpcd.duid',
      '/etc/dhcpcd.secret',
      '/var/lib/NetworkManager/*.lease',
      '/var/lib/NetworkManager/secret_key',
      '/var/lib/NetworkManager/timestamps',
    ],
  },
  {
    what: 'network or drive rule of udev',
    paths: ['/etc/udev/rules.d/70-persistent-net.rules', '/etc/udev/rules.d/70-persistent-cd.rules'],
  },
  {
    what: 'state of cloud-init',
    paths: ['/var/lib/cloud/instance', '/var/lib/cloud/instances', '/var/lib/cloud/sem'],
  },
  { what: 'cookie of Erlang', paths: ['/var/lib/rabbitmq/.erlang.cookie'] },
  {
    what: 'identity or keys of MySQL',
    paths: [
      '/var/lib/mysql/auto.cnf',
      '/var/lib/mysql/*-key.pem',
      '/var/lib/mysql/*-cert.pem',
      '/var/lib/mysql/*_key.pem',
    ],
  },
  {
    what: 'secrets of Samba',
    paths: ['/var/lib/samba/private/secrets.tdb', '/var/lib/samba/private/schannel_store.tdb'],
  },
  { what: 'keys of CUPS', paths: ['/etc/cups/ssl/*'] },
  { what: 'cache of SSSD', paths: ['/var/lib/sss/db/*', '/var/lib/sss/secrets/*'] },
  { what: 'keys of Puppet', paths: ['/var/lib/puppet/ssl/*', '/etc/puppetlabs/puppet/ssl/*'] },
  {
    what: 'log',
    paths: [
      '/var/log/*.log',
      '/var/log/*.log.*',
      '/var/log/apt/*',
      '/var/log/journal/*',
      '/var/log/installer/*',
    ],
  },
  {
    what: 'record of logins',
    paths: ['/var/log/wtmp', '/var/log/btmp', '/var/log/lastlog', '/var/log/faillog', '/var/log/tallylog'],
    action: 'empty',
  },
  { what: 'crash report', paths: ['/var/crash/*', '/var/lib/systemd/coredump/*'] },
  { what: 'mail', paths: ['/var/mail/*', '/var/spool/mail/*'] },
  { what: 'history of a shell', paths: ['/root/.bash_history', '/home/*/.bash_history'] },
];

const serviceName = 'machine-keys.service';

/** Services that use such keys from their start. */
const users = [
  ...['ssh', 'apache2', 'nginx', 'postfix', 'dovecot', 'exim4', 'postgresql', 'named', 'unbound'],
  ...['nsd', 'dropbear', 'munge', 'xrdp', 'iscsid', 'open-iscsi'],
];

/** The service that gives each machine made from the image its own keys. */
function service(): string {
  const commands = perMachine.flatMap(({ remake }) => {
    if (remake === undefined) return [];
    const { program, missing, command } = remake;
    return [`ExecStart=-/bin/sh -c 'test ! -x ${program} || test -e ${missing} || { ${command}; }'\n`];
  });
  return `[Unit]
Description=Make the keys that each machine has for itself
Before=ssh.socket ${users.map(name => `${name}.service`).join(' ')}

[Service]
Type=oneshot
${commands.join('')}
[Install]
WantedBy=multi-user.target
`;
}

/**
 * For the guest's shell, after everything of the template and with the functions of kept.ts: takes out what each machine must have for itself,
 * has each make its own, and says what it did; names private keys that stay, which all machines of the image will share.
 */
export function perMachineScript(): string {
  const calls = perMachine.map(
    ({ what, paths, action = 'remove' }) => `of_one_machine ${quoted(what)} ${action} ${paths.join(' ')}\n`,
  );
  return `of_one_machine() {
  what=$1
  action=$2
  shift 2
  for path do
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then continue; fi
    if of_the_template "$path"; then continue; fi
    case $action in
      empty)
        if [ ! -s "$path" ]; then continue; fi
        : > "$path"
        ;;
      *) rm -rf -- "$path" ;;
    esac
    echo "each machine has its own $what: $path is taken out"
  done
}
${calls.join('')}if [ ! -L /var/lib/dbus/machine-id ]; then of_one_machine 'machine id' remove /var/lib/dbus/machine-id; fi
if [ -d /etc/ssl/certs ]; then find /etc/ssl/certs -xtype l -lname '*ssl-cert-snakeoil.pem' -exec rm -f {} +; fi
if ! of_the_template /etc/systemd/system/${serviceName}; then
  cat > /etc/systemd/system/${serviceName} <<'END'
${service()}END
  systemctl --quiet enable ${serviceName}
fi
grep -rIlE --exclude-dir=dpkg -e '-----BEGIN ([A-Z]+ )*PRIVATE KEY-----' /etc /var/lib /root /home /opt /usr/local 2>/dev/null |
  while read -r path; do
    of_the_template "$path" || echo "all machines of this image will share the private key $path; remove it by a command, unless that is meant"
  done
`;
}
