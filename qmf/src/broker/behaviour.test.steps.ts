/**
 * What a broker does with links and messages, as a script of operations and the answers that a real qpidd 1.40 gives. The test
 * beside this file runs it against the embedded broker, and against a qpidd where there is one. Where the embedded broker does
 * something else on purpose, the step says so in `embedded`, with the reason.
 *
 * In expectations `$c` stands for the container id of the connection.
 */
export interface Scenario {
  readonly name: string;
  readonly steps: readonly Step[];
}

export type Step =
  | AttachStep
  | SendStep
  | ReceiveStep
  /** No delivery comes by this link (looked at for a moment). */
  | { readonly do: 'nothing'; readonly link: string }
  | { readonly do: 'close'; readonly link: string }
  | { readonly do: 'credit'; readonly link: string; readonly credit: number }
  /** Asks for the remaining credit to be used up, and waits for the answer. */
  | { readonly do: 'drain'; readonly link: string }
  | { readonly do: 'wait'; readonly milliseconds: number };

export interface AttachStep {
  readonly do: 'receive-from' | 'send-to';
  /** Name of the link in this script; also on the wire, unless `linkName` says otherwise. */
  readonly link: string;
  readonly linkName?: string;
  /** `a` or `b`; `a2` is a second connection with the container id of `a`. */
  readonly on?: 'a' | 'b' | 'a2';
  /** null for a source or target that is missing altogether; undefined for one without address. */
  readonly address?: string | null;
  readonly filter?: FilterTable;
  readonly dynamic?: boolean;
  readonly capabilities?: string | string[];
  readonly properties?: Readonly<Record<string, string | boolean | number>>;
  readonly settleMode?: 0 | 1 | 2;
  /** Credit given at once; default 100, 0 for none. */
  readonly credit?: number;
  readonly expect: AttachExpectation;
  readonly embedded?: { readonly expect: AttachExpectation; readonly reason: string };
}

export type FilterTable = Readonly<
  Record<string, readonly [descriptor: number | string | null, key: string]>
>;

export type AttachExpectation =
  | {
      readonly address?: string | null;
      readonly filter?: FilterTable | null;
      readonly capabilities?: string | readonly string[] | null;
      readonly properties?: Readonly<Record<string, unknown>> | null;
    }
  | { readonly refused: string };

export interface SendStep {
  readonly do: 'send';
  readonly link: string;
  readonly subject?: string;
  readonly to?: string;
  readonly ttl?: number;
  readonly body: string;
  /** The body is repeated up to this many bytes. */
  readonly size?: number;
  readonly expect: 'accepted' | 'released' | 'rejected' | 'modified';
}

export interface ReceiveStep {
  readonly do: 'receive';
  readonly link: string;
  readonly body: string;
  readonly size?: number;
  readonly settled?: boolean;
  /** What the receiver says to it; default accepted. */
  readonly answer?: 'accept' | 'release' | 'reject' | 'modify' | 'hold';
}

export const topicCode = 0x468c_0000_0001;
export const directCode = 0x468c_0000_0000;
export const topicSymbol = 'apache.org:legacy-amqp-topic-binding:string';
export const directSymbol = 'apache.org:legacy-amqp-direct-binding:string';

export const qmfTopic = 'qmf.default.topic';
export const qmfDirect = 'qmf.default.direct';
