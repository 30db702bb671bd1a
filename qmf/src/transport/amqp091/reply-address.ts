import { type Address, addressFromText } from '../../message/envelope.js';

/** `class://exchange/destination/queue?options`, the binding URL of Qpid's Java programs. */
const bindingUrl = /^(?:direct|topic|fanout|headers):\/\/([^/?]*)\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/i;

/**
 * The address in a reply-to: `exchange/key` or a queue's name, or the binding URL into which Broker-J rewrites them
 * (wire document §1.4, §1.7).
 */
export function replyAddress(text: string): Address {
  const parts = bindingUrl.exec(text);
  if (parts === null) return addressFromText(text);
  const [, exchange = '', destination = '', queue = '', options = ''] = parts;
  const key = option(options, 'routingkey') ?? option(options, 'bindingkey');
  const target = queue === '' ? destination : queue;
  if (exchange === '') return { node: decoded(target === '' ? (key ?? '') : target) };
  return { node: decoded(exchange), subject: key ?? decoded(target) };
}

function option(options: string, name: string): string | undefined {
  for (const part of options.split('&')) {
    const [, key, value] = /^([^=]*)=(.*)$/.exec(part) ?? [];
    if (key?.toLowerCase() === name && value !== undefined) return decoded(value.replace(/^'(.*)'$/, '$1'));
  }
  return undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that is meant as one
  }
}
