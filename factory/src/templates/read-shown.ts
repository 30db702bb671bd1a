import { createMask } from '@imagefactory/plugin-api';
import { remoteUrls } from './model.js';
import { type ReadOptions, readTemplate, type TemplateReading } from './read-template.js';
import { publicDescriptor, templateSecrets, urlPassword } from './secrets.js';

/** A template that was read, with its text for people's eyes where it is valid; see {@link publicDescriptor}. */
export type ShownReading =
  | (TemplateReading & { readonly valid: true; readonly shown: string })
  | (TemplateReading & { readonly valid: false });

/** Reads a template like {@link readTemplate}, and hides its passwords. Both take long for a long text. */
export function readShown(text: string, options: ReadOptions = {}): ShownReading {
  const reading = readTemplate(text, options);
  if (!reading.valid) return reading;
  const { template } = reading;
  const ofUrls = remoteUrls(template)
    .flatMap(urlPassword)
    .filter(secret => secret !== '');
  return {
    ...reading,
    shown: publicDescriptor(text, createMask([...templateSecrets(template), ...ofUrls])),
  };
}
