import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { pipeline } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorLine } from '../platform/log/index.js';
import { oauthHeader, type OAuthCredentials } from './oauth.js';
import type { ObjectBody } from './repository.js';
import { WarehouseError } from './warehouse-error.js';

export interface HttpClientOptions {
  readonly oauth?: OAuthCredentials;
  /** Milliseconds without a byte in either direction; default 60 000. */
  readonly timeout?: number;
  /** How often a request is sent at most; default 4. */
  readonly attempts?: number;
  /** Milliseconds before the second attempt, doubled for each further one; default 250. */
  readonly backoff?: number;
}

export interface HttpRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Parts of the path, which are encoded here. */
  readonly path: readonly string[];
  readonly body?: ObjectBody;
  /** Told from time to time how many bytes of a file have been read to be sent, from 0 again at each attempt. */
  readonly onSent?: (bytes: number) => void;
  readonly contentType?: string;
  /** Statuses besides 2xx that are answers, not failures. */
  readonly also?: readonly number[];
  /** Ends the request, and the waiting for another attempt; `send` rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Requests to one server. All of them may be repeated without harm, so those that fail on the way, or with a status of 500 and above, are,
 * after a while.
 */
export class HttpClient {
  readonly #base: URL;
  readonly #options: HttpClientOptions;

  /** @throws WarehouseError `invalid` for what is no http or https URL, or has a password in it */
  constructor(url: string, options: HttpClientOptions = {}) {
    const base = URL.canParse(url) ? new URL(url) : undefined;
    if (
      base === undefined ||
      !/^https?:$/.test(base.protocol) ||
      // Anywhere: a password with a slash makes the URL parser take the user for the host.
      url.includes('@')
    ) {
      throw new WarehouseError(
        'invalid',
        'the warehouse must be an http or https URL without user and password',
      );
    }
    this.#base = base;
    this.#options = options;
  }

  /** The response, whose body the caller reads or destroys. @throws WarehouseError, or the reason of the request's signal */
  async send(request: HttpRequest): Promise<IncomingMessage> {
    const { attempts = 4, backoff = 250 } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#sendOnce(request);
      } catch (error) {
        const { signal } = request;
        signal?.throwIfAborted();
        if (!(error instanceof WarehouseError) || !error.retryable || attempt >= attempts) throw error;
        const pause = backoff * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
        await sleep(pause, undefined, { signal }).catch(() => undefined);
        signal?.throwIfAborted();
      }
    }
  }

  async #sendOnce(request: HttpRequest): Promise<IncomingMessage> {
    const { method, path, body, onSent, contentType, also = [], signal } = request;
    signal?.throwIfAborted();
    const url = new URL(this.#base);
    url.pathname = [url.pathname.replace(/\/$/, ''), ...path.map(encodeURIComponent)].join('/');
    const { oauth, timeout = 60_000 } = this.#options;
    const length =
      body === undefined
        ? 0
        : typeof body === 'string'
          ? Buffer.byteLength(body)
          : (await stat(body.file)).size;
    const headers = {
      ...(method === 'PUT' || method === 'POST'
        ? { 'content-length': length, 'content-type': contentType ?? 'text/plain' }
        : {}),
      ...(oauth === undefined ? {} : { authorization: oauthHeader(method, url, oauth) }),
    };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const fail = (error: Error): void => reject(wayError(error, url));
      const open = url.protocol === 'https:' ? secureRequest : plainRequest;
      const outgoing = open(url, { method, headers, signal }, resolve);
      outgoing.setTimeout(timeout, () => {
        outgoing.destroy(new WarehouseError('timeout', `${url.host}: nothing came for ${timeout / 1000} s`));
      });
      outgoing.on('error', fail);
      if (body === undefined || typeof body === 'string') outgoing.end(body);
      // An answer may come before all is sent, as a refusal does; then the request fails on its own.
      else pipeline(read(body.file, onSent), outgoing, error => error && outgoing.destroy(error));
    });
    const status = response.statusCode ?? 0;
    if ((status >= 200 && status < 300) || also.includes(status)) return response;
    response.resume();
    throw statusError(status, `${method} ${url.host}${url.pathname}`);
  }
}

async function* read(
  file: string,
  onRead: (bytes: number) => void = () => undefined,
): AsyncGenerator<Buffer> {
  const parts: AsyncIterable<Buffer> = createReadStream(file, { highWaterMark: 1024 * 1024 });
  let bytes = 0;
  try {
    for await (const part of parts) {
      bytes += part.length;
      onRead(bytes);
      yield part;
    }
  } catch (error) {
    // Not to be taken for what the way to the warehouse has done.
    throw new WarehouseError('invalid', `${file} cannot be read: ${errorLine(error)}`, { cause: error });
  }
}

function statusError(status: number, what: string): WarehouseError {
  if (status === 401) {
    return new WarehouseError(
      'not_authorised',
      `${what}: the warehouse wants to know who asks; give it key and secret`,
    );
  }
  if (status >= 500 || status === 429)
    return new WarehouseError('failed', `${what}: the warehouse failed with status ${status}`);
  return new WarehouseError('refused', `${what}: the warehouse refused it with status ${status}`);
}

function wayError(error: Error, url: URL): WarehouseError {
  if (error instanceof WarehouseError) return error;
  return new WarehouseError(
    'unreachable',
    `the warehouse at ${url.host} cannot be reached: ${error.message}`,
    { cause: error },
  );
}
