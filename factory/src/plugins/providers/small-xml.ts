import { DOMParser, type Element } from '@xmldom/xmldom';

/** Bytes of a document; definitions and credentials are a few lines, and a certificate at most. */
const sizeLimit = 64 * 1024;
const elementNode = 1;

/**
 * The root element of a small document without DOCTYPE, entities or processing instructions; undefined for anything else. Says
 * nothing of what is wrong with it, because it may hold secrets.
 */
export function smallXml(text: string): Element | undefined {
  if (Buffer.byteLength(text) > sizeLimit || /<!(?!--|\[CDATA\[)|<\?(?!xml\s)/.test(text)) return undefined;
  try {
    const parser = new DOMParser({
      onError: (level, message) => {
        if (level !== 'warning') throw new Error(message);
      },
    });
    return parser.parseFromString(text.trim(), 'text/xml').documentElement ?? undefined;
  } catch {
    return undefined;
  }
}

export function elementsIn(element: Element): readonly Element[] {
  const found: Element[] = [];
  for (let node = element.firstChild; node !== null; node = node.nextSibling) {
    // A node of that type is an Element; DOM typings don't discriminate by it.
    if (node.nodeType === elementNode) found.push(node as Element);
  }
  return found;
}

/** The name of the root element of a small document; undefined for what is none. Namespaces and prefixes count as part of the name. */
export function elementName(text: string): string | undefined {
  return smallXml(text)?.tagName;
}
