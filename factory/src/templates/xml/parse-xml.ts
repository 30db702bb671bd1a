import type { TemplateLimits } from '../limits.js';
import { quoted } from '../position.js';
import type { Problems } from '../problems.js';
import { scanXml } from './scan.js';
import type { XmlElement } from './tree.js';

/**
 * The root element of the text, or undefined when that is no XML which a template may be; `problems` tells why. No problem quotes
 * a piece of the text that may be a password.
 */
export function parseXml(given: string, limits: TemplateLimits, problems: Problems): XmlElement | undefined {
  if (Buffer.byteLength(given, 'utf8') > limits.bytes) {
    reportTooLarge(limits, problems);
    return undefined;
  }
  // As XML 1.0 has it (§2.11): U+2028 and U+0085 inside scripts stay.
  const text = (given.startsWith('\uFEFF') ? given.slice(1) : given).replace(/\r\n?/g, '\n');
  if (!checkStart(text, problems)) return undefined;
  const root = scanXml(text, limits, problems);
  return problems.hasErrors ? undefined : root;
}

export function reportTooLarge(limits: TemplateLimits, problems: Problems): void {
  problems.add(
    'too-large',
    undefined,
    '',
    `the template has more than ${limits.bytes} bytes`,
    'put large files where <commands> can fetch them',
  );
}

function checkStart(text: string, problems: Problems): boolean {
  const start = text.trimStart();
  if (start.startsWith('<')) return true;
  const form = 'give the TDL text itself: <template>…</template>';
  const first = quoted(start.split('\n', 1)[0] ?? '');
  if (start === '') {
    problems.add(
      'no-template',
      undefined,
      '',
      'the template is empty',
      'give TDL text such as <template>…</template>',
    );
  } else if (/^https?:/i.test(start)) {
    problems.add('no-template', undefined, '', `a URL, ${first}, was given`, form);
  } else if (/^[0-9a-f]{8}-[0-9a-f]{4}-/i.test(start)) {
    problems.add('no-template', undefined, '', `a uuid, ${first}, was given`, form);
  } else {
    problems.add('no-template', undefined, '', 'the text given is no XML', form);
  }
  return false;
}
