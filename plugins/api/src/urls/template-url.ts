import { isIP } from 'node:net';
import { BuildError } from '../errors.js';

/** A URL of a template that every program reads in the same way. */
export interface TemplateUrl {
  /** The URL with its host in the usual form: no other spelling of an address, no dot at the end. For the tools that fetch from it. */
  readonly text: string;
  /** Name or address of the server, without brackets. */
  readonly host: string;
  /** The element that the URL stands in, for messages. */
  readonly element: string;
}

/** Nothing here means two things to two readers: no blanks, no backslash, no second `@`, no host beyond ASCII. */
const grammar =
  /^(https?):\/\/([\w.~!$&'()*+,;=:%-]*@)?((?:\[[\da-f:.]+\])|[a-z\d._-]+)(:\d{1,5})?((?:[/?#][^\s\\\p{Cc}\p{Zl}\p{Zp}]*)?)$/iu;

/**
 * Reads a URL of a template, such as that of `<install>` or `<repository>`, for the hosts that {@link UrlRule.check} admits.
 *
 * @param element path of the element, for the message
 * @throws BuildError `template_invalid` for another scheme than http or https, and for what is written so that programs differ in its host
 */
export function templateUrl(text: string, element: string): TemplateUrl {
  const match = grammar.exec(text);
  const refused = (why: string): BuildError => new BuildError('template_invalid', `${element}: ${why}`);
  if (match === null) {
    const scheme = /^\s*([a-z][a-z\d+.-]*):/i.exec(text)?.[1]?.toLowerCase();
    if (scheme !== undefined && !/^https?$/.test(scheme)) {
      throw refused(
        `${scheme}: is not fetched from, since it would mean this machine or another way to the network; give the URL of a server with http or https`,
      );
    }
    throw refused('expected the URL of a server with http or https, such as http://mirror.example/debian');
  }
  const [, scheme = '', user = '', name = '', port = '', rest = ''] = match;
  const server = `${scheme.toLowerCase()}://${name}${port}`;
  if (!URL.canParse(server)) {
    throw refused(`${JSON.stringify(name)} is neither the name nor the address of a server`);
  }
  const { protocol, hostname, port: canonical } = new URL(server);
  const shown = isIP(hostname) === 0 ? hostname.replace(/\.$/, '') : hostname;
  // One dot at the end is the root of the DNS. Without more of them, `0x7f.1..` would become a spelling of an address.
  if (shown === '' || hostname.includes('..')) {
    throw refused(`${JSON.stringify(name)} is neither the name nor the address of a server`);
  }
  const place = canonical === '' ? shown : `${shown}:${canonical}`;
  return { text: `${protocol}//${user}${place}${rest}`, host: shown.replace(/^\[|\]$/g, ''), element };
}
