import type { SchemaId } from '@imagefactory/qmf';

/** A class as a user names it. */
export interface ClassName {
  /** `''` where the user leaves it open. */
  readonly packageName: string;
  readonly className: string;
}

/** Reads `CLASS` or `PACKAGE:CLASS`. */
export function parseClassName(text: string): ClassName {
  const colon = text.indexOf(':');
  return colon < 0
    ? { packageName: '', className: text }
    : { packageName: text.slice(0, colon), className: text.slice(colon + 1) };
}

/** Whether a published class is the one that is named; upper and lower case count only if `exact`. */
export function isClass(
  id: Pick<SchemaId, 'packageName' | 'className'>,
  name: ClassName,
  exact: boolean,
): boolean {
  const same = (left: string, right: string): boolean =>
    exact ? left === right : left.toLowerCase() === right.toLowerCase();
  return (
    same(id.className, name.className) && (name.packageName === '' || same(id.packageName, name.packageName))
  );
}

export function describeClass({ packageName, className }: ClassName): string {
  return packageName === '' ? className : `${packageName}:${className}`;
}
