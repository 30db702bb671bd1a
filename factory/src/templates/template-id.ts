import { v5 as uuidv5 } from 'uuid';

/** Namespace of the names (RFC 9562, version 5) of templates that came without one. */
const namespace = '4d6f2d0c-5a43-4b0e-9b0c-6a1f4c1d8e21';

/** The uuid of a template's text: the same text has the same one, whoever builds from it. */
export function templateId(text: string): string {
  return uuidv5(text, namespace);
}
