import type { RunOptions, RunResult } from '../runner.js';
import type { SandboxLimits } from './limits.js';
import type { SandboxNetwork } from './network.js';

/** Opens sandboxes for one build. */
export interface Sandboxes {
  /**
   * The network of what a template wants to be run: the operator's choice (`--command-network`), default `none`. Package stages take
   * `outbound`.
   */
  readonly commandNetwork: SandboxNetwork;
  /**
   * Opens a sandbox; the agent removes it at the build's end, if its plugin has not. Waits while all blocks of ids are in use.
   *
   * @throws BuildError `tool_missing` or `not_permitted` when this machine can't make one; the message has the remedy
   */
  open(options?: SandboxOptions): Promise<Sandbox>;
}

export interface SandboxOptions {
  /** What its host name is made of; default `image`. */
  readonly hostname?: string;
  /** Narrower limits than the operator's; wider ones have no effect. */
  readonly limits?: Partial<SandboxLimits>;
  /**
   * URLs of servers that the operator has configured, such as package sources of this machine: the network `outbound` reaches them
   * also under private addresses.
   */
  readonly servers?: readonly string[];
}

/**
 * Directories and programs of a guest, kept apart from this machine and from other builds by an OCI runtime: user ids of their own, none of
 * this machine's files, processes, devices or settings, few capabilities, and limits on what they take. SECURITY.md says from what.
 */
export interface Sandbox {
  /**
   * Makes an empty directory that belongs to the guest's root, such as the root directory of a guest, and returns its path. It is on the disk of
   * the build's scratch directory.
   */
  makeTree(name: string): Promise<string>;
  /** Removes such a directory, whoever owns what is in it. */
  removeTree(name: string): Promise<void>;
  /**
   * Runs a program of the guest, as root there, with `tree` as its root directory and with `/proc`, `/dev`, `/sys` and `/run` of its own.
   * What it leaves running ends with it.
   *
   * @throws BuildError `limit_exceeded` when it reached a limit, `network_off` when it wanted a network that it has not, and as a
   *   {@link ToolRunner}
   */
  guest(tree: string, file: string, args: readonly string[], options?: GuestOptions): Promise<RunResult>;
  /**
   * Runs a program of this machine over the directories of the sandbox, which it sees under their own paths, as their root. It sees this
   * machine's programs, read-only, and the files that are named, nothing else. For programs of the builder that read what a guest has made.
   */
  tool(file: string, args: readonly string[], options?: SandboxToolOptions): Promise<RunResult>;
  /** Removes it with everything in it, even after an abort. */
  dispose(): Promise<void>;
}

/** A file that the builder shows to a guest. */
export interface SandboxFile {
  readonly content: string | Uint8Array;
  /** Default 0o644. */
  readonly mode?: number;
}

interface CommonOptions
  extends Pick<
    RunOptions,
    'input' | 'timeout' | 'silence' | 'okStatus' | 'secrets' | 'label' | 'fetches' | 'onLine' | 'env' | 'cwd'
  > {
  /** Default `none`. */
  readonly network?: SandboxNetwork;
  /**
   * Whether the program goes by the proxies of this machine, if there are any: those of its apt, else of this process's environment; default
   * false. It gets `http_proxy` and the like for a relay on its own loopback, never address or password of the proxy. For package managers.
   */
  readonly proxied?: boolean;
  /** Path of a file for standard input. */
  readonly inputFile?: string;
  /** Path of a file that takes standard output, instead of the log and of the result. */
  readonly outputFile?: string;
}

export interface GuestOptions extends CommonOptions {
  /** Files that the guest sees in {@link stageInGuest}, read-only, by name. */
  readonly stage?: Readonly<Record<string, SandboxFile>>;
  /**
   * Files that the guest sees at absolute paths in place of its own, which stay as they are. One that the guest writes to is in its tree
   * afterwards, as it has written it. One whose directory the guest doesn't have is left out.
   */
  readonly shadows?: Readonly<Record<string, SandboxFile>>;
}

export interface SandboxToolOptions extends CommonOptions {
  /** Paths of files and directories on this machine that the program may read. */
  readonly reads?: readonly string[];
  /** Paths of existing files that it may write. */
  readonly writes?: readonly string[];
}

/** Where a guest sees the files of `stage`. */
export const stageInGuest = '/run/imagefactory';

/** Variables that every program of a guest has; nothing of the builder's environment comes along. */
export const guestEnvironment: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  USER: 'root',
  LOGNAME: 'root',
  LANG: 'C.UTF-8',
  TERM: 'dumb',
};
