import {
  type BuildDocument,
  buildIn,
  type ImageDocument,
  latestTemplate,
  type ProviderImageDocument,
  type TargetImageDocument,
} from '../images/index.js';

/** Something that the catalogue knows by a uuid, under the names of kinds that image warehouses use. */
export interface RecordedThing {
  readonly kind: 'template' | 'image' | 'build' | 'target_image' | 'provider_image';
  readonly id: string;
}

/**
 * What a change of an image's document has made or changed, in an order in which nothing comes before what it refers to, except that an
 * image comes last: its latest builds are not to be named before they can be had. Images that are not finished are left out, as are those
 * that have failed.
 */
export function changesBetween(before: ImageDocument | undefined, after: ImageDocument): RecordedThing[] {
  const things: RecordedThing[] = [];
  const add = (kind: RecordedThing['kind'], id: string): void => void things.push({ kind, id });
  const known = new Set(targetsOf(before).map(({ template }) => template));
  const templates = new Set(targetsOf(after).flatMap(({ template }) => template ?? []));
  for (const id of templates) if (!known.has(id)) add('template', id);
  if (before === undefined) add('image', after.id);
  for (const build of after.builds) {
    const old = before === undefined ? undefined : buildIn(before, build.id);
    if (old === undefined || old.parent !== build.parent) add('build', build.id);
    for (const target of build.targetImages) {
      const oldTarget = old?.targetImages.find(({ id }) => id === target.id);
      if (isNew(oldTarget, target)) add('target_image', target.id);
      for (const push of target.providerImages) {
        const oldPush = oldTarget?.providerImages.find(({ id }) => id === push.id);
        if (isNew(oldPush, push) || (isDone(push) && !sameFacts(oldPush, push)))
          add('provider_image', push.id);
      }
    }
  }
  if (before !== undefined && !sameLatest(before, after)) add('image', after.id);
  return things;
}

type Made = Pick<TargetImageDocument | ProviderImageDocument, 'outcome'>;

function isDone({ outcome }: Made): boolean {
  return outcome.status === 'COMPLETED';
}

function isNew(before: Made | undefined, after: Made): boolean {
  return isDone(after) && (before === undefined || !isDone(before));
}

function sameFacts(before: ProviderImageDocument | undefined, after: ProviderImageDocument): boolean {
  return before?.targetIdentifier === after.targetIdentifier && before?.account === after.account;
}

function sameLatest(before: ImageDocument, after: ImageDocument): boolean {
  return (
    before.latestBuild === after.latestBuild &&
    before.latestUnpushed === after.latestUnpushed &&
    latestTemplate(before) === latestTemplate(after)
  );
}

function targetsOf(image: ImageDocument | undefined): readonly TargetImageDocument[] {
  return (image?.builds ?? []).flatMap(({ targetImages }: BuildDocument) => targetImages);
}
