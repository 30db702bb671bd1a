import { readTemplate } from '@imagefactory/factory/templates';
import { DOMParser } from '@xmldom/xmldom';
import { median } from '../statistics.js';
import type { Duration, Sizes } from './lines.js';

/** Readings of a round. */
const readings = 5;

/** A template with packages of its own, about 35 bytes each. */
function templateWith(packages: number): string {
  const list = Array.from({ length: packages }, (_, n) => `<package name="package-${n}"/>`).join('\n');
  return `<template><name>large</name><os><name>Debian</name><version>12</version><arch>x86_64</arch>
<install type="url"><url>http://mirror.example.org/debian/</url></install></os>
<packages>${list}</packages></template>`;
}

/** A large template read and checked, beside the bare DOM of an XML library, which says nothing of what is wrong in it. */
export function template({ rounds, packages }: Sizes): readonly Duration[] {
  const text = templateWith(packages);
  const [times, ratios]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const own = timed(() => readTemplate(text));
    const bare = timed(() => new DOMParser().parseFromString(text, 'text/xml'));
    times.push(own);
    ratios.push(own / bare);
  }
  const ratio = median(ratios);
  return [
    {
      kind: 'duration',
      case: 'template',
      what: `template of ${packages} packages`,
      median: median(times),
      longest: Math.max(...times),
      goal: { text: `≤ 1.5 × the bare DOM, now ${ratio.toFixed(2)} ×`, met: ratio <= 1.5 },
    },
  ];
}

function timed(work: () => unknown): number {
  const begin = performance.now();
  for (let n = 0; n < readings; n++) work();
  return (performance.now() - begin) / readings;
}
