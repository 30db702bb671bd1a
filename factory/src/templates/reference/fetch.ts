import type { LookupAddress } from 'node:dns';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import {
  BuildError,
  createUrlRule,
  isBuildError,
  type UrlRule,
  type UrlRuleOptions,
} from '@imagefactory/plugin-api';
import { isLoginCut, shownUrl } from '@imagefactory/text';

/** With `allowPrivateAddresses`, loopback and link-local addresses are fetched from as well. */
export interface FetcherOptions extends UrlRuleOptions {
  /** Milliseconds that one document may take, redirects included; default 20 000. */
  readonly timeout?: number;
  /** Redirects that are followed; default 5. */
  readonly redirects?: number;
  /** Documents that are fetched at the same time, before others are refused; default 16. */
  readonly concurrent?: number;
}

export interface FetchOptions {
  /** Bytes that are taken at most. */
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/** Fetches a document over http or https. @throws BuildError `template_unavailable` or `aborted` */
export type Fetcher = (url: string, options: FetchOptions) => Promise<Uint8Array>;

/**
 * Makes a fetcher for documents that strangers name. It only connects to public addresses unless told otherwise: a name is
 * resolved once, and the connection goes to an address of that answer, so that a second answer can't lead elsewhere. Each redirect
 * is checked anew. Proxies of the environment are not used.
 */
export function createFetcher(options: FetcherOptions = {}): Fetcher {
  const { timeout = 20_000, redirects = 5, concurrent = 16 } = options;
  const rule = createUrlRule(options);
  let running = 0;
  return async (given, { limit, signal }) => {
    if (running >= concurrent) {
      throw unavailable(`${running} documents are being fetched already; try again later`);
    }
    running++;
    const late = AbortSignal.timeout(timeout);
    const either = signal === undefined ? late : AbortSignal.any([signal, late]);
    try {
      return await follow(given, { rule, limit, redirects, signal: either });
    } catch (error) {
      if (signal?.aborted === true && isTimeout(signal.reason)) {
        throw unavailable(`${shownUrl(given)}: not there in time`, error);
      }
      if (signal?.aborted === true) {
        throw new BuildError('aborted', `${shownUrl(given)}: fetching it was given up`, { cause: error });
      }
      if (late.aborted) {
        throw unavailable(`${shownUrl(given)}: not there within ${timeout / 1000} s`, error);
      }
      throw isBuildError(error) ? error : unavailable(`${shownUrl(given)}: ${explain(error)}`, error);
    } finally {
      running--;
    }
  };
}

/** Whether a caller's signal fired because its own deadline passed. */
function isTimeout(reason: unknown): boolean {
  return reason instanceof Error && reason.name === 'TimeoutError';
}

interface Journey {
  readonly rule: UrlRule;
  readonly limit: number;
  readonly redirects: number;
  readonly signal: AbortSignal;
}

async function follow(given: string, journey: Journey): Promise<Uint8Array> {
  let url = checkedUrl(given);
  for (let hops = 0; hops <= journey.redirects; hops++) {
    const response = await open(url, journey);
    try {
      const next = redirection(response, url);
      if (next === undefined) return await readBody(response, url, journey.limit);
      url = next;
    } finally {
      response.destroy();
    }
  }
  throw unavailable(`${shownUrl(given)}: more than ${journey.redirects} redirects`);
}

function checkedUrl(text: string): URL {
  if (isLoginCut(text))
    throw unavailable(
      `${shownUrl(text)}: write / ? and # of a password as %2F %3F %23, and an @ of a path or query as %40`,
    );
  if (!URL.canParse(text)) throw unavailable(`${JSON.stringify(shownUrl(text))} is no URL`);
  const url = new URL(text);
  if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  throw unavailable(`${shownUrl(text)}: only http and https are fetched`);
}

function open(url: URL, journey: Journey): Promise<IncomingMessage> {
  const { rule, signal } = journey;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // An address is connected to as it is, without the lookup below.
  if (isIP(host) !== 0 && !rule.admits(host)) throw notPublic(url);
  const lookup: LookupFunction = (name, { all }, callback) => {
    rule.resolve(name).then(
      (found: readonly LookupAddress[]) => {
        const usable = found.filter(({ address }) => rule.admits(address));
        const [first] = usable;
        if (first === undefined) callback(notPublic(url), []);
        else if (all === true) callback(null, [...usable]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), []),
    );
  };
  const { username, password } = url;
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      lookup,
      signal,
      agent: false,
      headers: { 'accept-encoding': 'identity', 'user-agent': 'imagefactory' },
      ...(username === '' ? {} : { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` }),
    });
    outgoing.once('response', resolve);
    // Stays after the answer has come: an abort in the middle of it is told here as well.
    outgoing.on('error', reject);
    outgoing.end();
  });
}

function redirection(response: IncomingMessage, from: URL): URL | undefined {
  const { statusCode = 0, headers } = response;
  if (![301, 302, 303, 307, 308].includes(statusCode)) return undefined;
  const { location } = headers;
  if (location === undefined || !URL.canParse(location, from.href)) {
    throw unavailable(`${shownUrl(from.href)}: redirected without saying where to`);
  }
  const next = checkedUrl(new URL(location, from.href).href);
  if (from.protocol === 'https:' && next.protocol === 'http:') {
    throw unavailable(`${shownUrl(from.href)}: redirected from https to http, which is not followed`);
  }
  return next;
}

async function readBody(response: IncomingMessage, url: URL, limit: number): Promise<Uint8Array> {
  const { statusCode, headers } = response;
  const shown = shownUrl(url.href);
  if (statusCode !== 200) throw unavailable(`${shown}: the server answered ${statusCode ?? 'nothing'}`);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') throw unavailable(`${shown}: the server packed it, though asked not to`);
  const tooLarge = (): BuildError => unavailable(`${shown}: larger than ${limit} bytes`);
  if (Number(headers['content-length'] ?? 0) > limit) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  const body: AsyncIterable<Buffer> = response;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function notPublic(url: URL): BuildError {
  return unavailable(
    `${shownUrl(url.href)}: its host has no public address, and private ones are only fetched from with --allow-private-addresses`,
  );
}

function unavailable(message: string, cause?: unknown): BuildError {
  return new BuildError('template_unavailable', message, cause === undefined ? {} : { cause });
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no host of that name',
  EAI_AGAIN: 'the name of its host could not be looked up',
  ECONNREFUSED: 'its host takes no connections on that port',
  ECONNRESET: 'the connection broke',
  EHOSTUNREACH: 'its host cannot be reached',
  ENETUNREACH: 'its network cannot be reached',
  ETIMEDOUT: 'its host does not answer',
};

function explain(error: unknown): string {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  const reason = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
  if (reason !== undefined) return reason;
  return error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error);
}
