import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface WarehouseObject {
  body: Buffer;
  readonly attributes: Map<string, string>;
}

type Fault = number | 'hang' | 'reset' | undefined;

export interface Iwhd {
  readonly url: string;
  readonly buckets: Map<string, Map<string, WarehouseObject>>;
  /** `METHOD /path`, with the body of questions. */
  readonly requests: string[];
  readonly authorizations: string[];
  /** Called first, and waited for; a status instead of an answer, `hang` or `reset`. */
  fault: (method: string, path: string) => Fault | Promise<Fault>;
  stop(): Promise<void>;
}

/** What another one had, for one that comes back. */
export interface IwhdOptions {
  readonly port?: number;
  readonly buckets?: Iwhd['buckets'];
}

/** A stand-in for iwhd: its verbs, statuses and query language, in memory. */
export async function startIwhd({ port = 0, buckets = new Map() }: IwhdOptions = {}): Promise<Iwhd> {
  const server = createServer((request, response) => {
    void serve(request, response);
  });
  const iwhd: Iwhd = {
    url: '',
    buckets,
    requests: [],
    authorizations: [],
    fault: () => undefined,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const chunks: Buffer[] = [];
    const parts: AsyncIterable<Buffer> = request;
    for await (const chunk of parts) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    iwhd.requests.push(`${method} ${url}${url.endsWith('/_query') ? ` ${body.toString()}` : ''}`);
    if (headers.authorization !== undefined) iwhd.authorizations.push(headers.authorization);
    const fault = await iwhd.fault(method, url);
    if (fault === 'hang') return;
    if (fault === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    const path = url.split('/').slice(1).map(decodeURIComponent);
    const [status, answer = ''] = fault === undefined ? answerTo(method, path, body) : [fault];
    response.writeHead(status).end(answer);
  }

  function answerTo(
    method: string,
    path: readonly string[],
    body: Buffer,
  ): readonly [number, (Buffer | string)?] {
    const [bucket = '', key, attribute] = path;
    const objects = buckets.get(bucket);
    if (key === undefined) {
      if (method !== 'PUT') return [objects === undefined ? 404 : 200];
      if (objects !== undefined) return [500];
      buckets.set(bucket, new Map());
      return [201];
    }
    if (objects === undefined) return [404];
    if (key === '_query') return question(bucket, objects, body.toString());
    if (key.startsWith('_')) return [403];
    const object = objects.get(key);
    switch (method) {
      case 'PUT': {
        const target = object ?? { body: Buffer.alloc(0), attributes: new Map<string, string>() };
        objects.set(key, target);
        if (attribute === undefined) target.body = body;
        else target.attributes.set(attribute, body.toString());
        return [201];
      }
      case 'GET': {
        const found = attribute === undefined ? object?.body : object?.attributes.get(attribute);
        return found === undefined ? [404, 'not found'] : [200, found];
      }
      default:
        return [objects.delete(key) ? 200 : 404];
    }
  }

  function question(
    bucket: string,
    objects: ReadonlyMap<string, WarehouseObject>,
    text: string,
  ): readonly [number, string?] {
    let found: string[];
    try {
      const holds = parse(text);
      found = [...objects].flatMap(([key, { attributes }]) => (holds(attributes) ? [key] : []));
    } catch {
      return [400];
    }
    if (found.length === 0) return [404];
    const list = found.map(
      key => `\t<object>\n\t\t<bucket>${bucket}</bucket>\n\t\t<key>${key}</key>\n\t</object>\n`,
    );
    return [200, `<objects>\n${list.join('')}</objects>\n`];
  }

  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve));
  // A TCP server's address is never a text.
  return Object.assign(iwhd, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` });
}

type Predicate = (attributes: ReadonlyMap<string, string>) => boolean;

/** iwhd's language: texts without any escape, numbers, `$attribute`, comparisons, `!`, and `&&` and `||` of one rank. */
function parse(text: string): Predicate {
  const tokens = [...text.matchAll(/\s*("[^"]*"|\d+|\$[a-z_]+|&&|\|\||[<>=!]=|[<>!()]|.)/gs)].map(
    match => match[1] ?? '',
  );
  let at = 0;
  const next = (): string => tokens[at++] ?? '';
  const take = (token: string): boolean => tokens[at] === token && ++at > 0;

  function expression(): Predicate {
    let left = unary();
    for (;;) {
      const before = left;
      if (take('&&')) {
        const right = unary();
        left = attributes => before(attributes) && right(attributes);
      } else if (take('||')) {
        const right = unary();
        left = attributes => before(attributes) || right(attributes);
      } else return left;
    }
  }
  function unary(): Predicate {
    if (!take('!')) return comparison();
    const inner = comparison();
    return attributes => !inner(attributes);
  }
  function comparison(): Predicate {
    if (take('(')) {
      const inner = expression();
      if (!take(')')) throw new Error('no )');
      return inner;
    }
    const left = atom();
    const sign = next();
    const right = atom();
    const compare = comparisons[sign];
    if (compare === undefined) throw new Error(`no comparison: ${sign}`);
    return attributes => {
      const [a, b] = [left(attributes), right(attributes)];
      if (a === undefined || b === undefined) return false;
      const numeric = /^\d+$/.test(a) && /^\d+$/.test(b);
      return compare(numeric ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0);
    };
  }
  function atom(): (attributes: ReadonlyMap<string, string>) => string | undefined {
    const token = next();
    if (token.startsWith('$')) return attributes => attributes.get(token.slice(1));
    if (/^".*"$/s.test(token)) return () => token.slice(1, -1);
    if (/^\d+$/.test(token)) return () => token;
    throw new Error(`unexpected ${token}`);
  }

  const predicate = expression();
  if (at !== tokens.length) throw new Error('something is left');
  return predicate;
}

const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  '==': order => order === 0,
  '!=': order => order !== 0,
  '<': order => order < 0,
  '<=': order => order <= 0,
  '>': order => order > 0,
  '>=': order => order >= 0,
};
