/**
 * The promises of the types, checked by the compiler: what must not compile is marked so, and a mark that isn't needed is an
 * error itself. The one test below only proves that this module was compiled and loads.
 */
import {
  BuildAdaptor,
  BuildAdaptorPercentCompleteEvent,
  BuildAdaptorStatusEvent,
} from '@imagefactory/schema';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Build } from './build.js';
import type { ConnectedConsole } from './connect.js';
import type { BuildImageInputs, Factory } from './factory.js';
import type { BuildImagesInputs, ImportImageInputs, PushImageInputs } from './factory-inputs.js';

declare function takesText(text: string): void;
declare function takesNumber(number: number): void;

export const good: BuildImageInputs = {
  descriptor: '<template/>',
  target: 'mock',
  imageUuid: 'foo',
  secCredentials: 'bar',
};
export const withoutOptional: BuildImageInputs = { descriptor: '<template/>', target: 'mock' };
// @ts-expect-error descriptor is missing
export const missing: BuildImageInputs = { target: 'mock' };
// @ts-expect-error a target is text
export const wrongType: BuildImageInputs = { descriptor: '<template/>', target: 5 };
// @ts-expect-error the wire's spelling is not TypeScript's
export const wrongName: BuildImageInputs = { descriptor: '<template/>', target: 'mock', image_uuid: 'foo' };

export async function calls(factory: Factory): Promise<string> {
  const build: Build = await factory.buildImage(good);
  // @ts-expect-error there is no such method
  takesText(factory.buildPictures);
  for await (const change of build.changes()) {
    if (change.kind === 'percent') {
      takesNumber(change.percent);
      // @ts-expect-error a percentage has no status
      takesText(change.status);
    }
  }
  const [adaptor] = await factory.agent.objects(BuildAdaptor);
  takesNumber(adaptor?.values.percent_complete ?? 0);
  // @ts-expect-error the class has no such property
  takesText(adaptor?.values.colour);
  // @ts-expect-error adaptors have no methods in the schema of 2011
  await adaptor?.call('abort', {});
  return build.finished();
}

export const several: BuildImagesInputs = { template: '<template/>', targets: ['mock', 'openstack-kvm'] };
// @ts-expect-error targets are a list
export const oneTarget: BuildImagesInputs = { template: '<template/>', targets: 'mock' };
// @ts-expect-error names of targets are text
export const numberedTargets: BuildImagesInputs = { targets: [1] };
// @ts-expect-error that name belongs to the form of 2011
export const otherForm: BuildImagesInputs = { descriptor: '<template/>', targets: ['mock'] };
// @ts-expect-error nothing is pushed without credentials
export const openPush: PushImageInputs = { image: 'i', providers: ['mock-one'] };
// @ts-expect-error the wire's spelling is not TypeScript's
export const wireImport: ImportImageInputs = { target_identifier: 'x', target: 'mock', provider: 'mock-one' };

export async function later(factory: Factory): Promise<void> {
  const [build] = await factory.buildImages(several);
  // @ts-expect-error there may be none: a list was asked for
  await build.finished();
  const one: Build = await factory.image({ template: '<template/>', target: 'mock' });
  const { activity, failure, queue } = await one.detail();
  takesText(activity);
  takesNumber(queue?.position ?? 0);
  takesText(failure?.lastLines[0] ?? '');
  // @ts-expect-error it may not have failed
  takesText(failure.info);
  const pushes: Build[] = await factory.pushImage({ image: 'i', providers: ['p'], credentials: '<c/>' });
  for (const push of pushes) takesText((await push.identifierOnProvider()) ?? '');
  const push: Build = await factory.providerImage({ imageId: 'i', provider: 'p', credentials: '<c/>' });
  // @ts-expect-error an abort has no arguments of its own
  await push.abort({ now: true });
  // @ts-expect-error one image at a time
  await factory.providerImage({ imageId: ['i'], provider: 'p', credentials: '<c/>' });
  const { providerImage } = await factory.importImage({
    targetIdentifier: 'x',
    target: 'mock',
    provider: 'mock-one',
  });
  takesText(providerImage);
  const record = await factory.imageRecord(providerImage);
  const outcome = record.builds[0]?.targetImages[0]?.providerImages[0]?.outcome;
  if (outcome?.status === 'FAILED') takesText(outcome.info);
  // @ts-expect-error only a failure has a reason
  takesText(outcome?.info);
  // @ts-expect-error a record tells no percentage
  takesNumber(record.builds[0]?.percent);
  const states = await factory.instanceStates('BuildAdaptor');
  takesText(states['NEW']?.[0] ?? '');
  // @ts-expect-error there is no such class
  await factory.instanceStates('Os');
}

export async function events(client: ConnectedConsole): Promise<void> {
  for await (const { values } of client.events(BuildAdaptorStatusEvent)) {
    takesText(values.new_status);
    // @ts-expect-error that field belongs to another event
    takesNumber(values.percent_complete);
  }
  for await (const { values } of client.events(BuildAdaptorPercentCompleteEvent)) {
    // @ts-expect-error a number is no text
    takesText(values.percent_complete);
  }
  // @ts-expect-error events come by class, not by name
  client.events('BuildAdaptorStatusEvent');
}

export async function records(factory: Factory, build: Build): Promise<void> {
  await factory.buildImage({ ...good, orderKey: 'k' });
  // @ts-expect-error a key is text
  await factory.buildImage({ ...good, orderKey: 1 });
  for await (const { sequence } of build.changes({ from: 'beginning' })) {
    // @ts-expect-error agents of other makes have none
    takesNumber(sequence);
  }
  // @ts-expect-error a build is read from its beginning or from now on
  build.changes({ from: 3 });
  for await (const event of factory.events({ from: 1 })) {
    takesNumber(event.sequence);
    if (event.kind === 'status') takesText(event.status);
    // @ts-expect-error only statuses have a status
    takesText(event.status);
  }
  const { items, next } = await factory.jobs({ where: { percent: { '>=': 50 }, status: ['new', 'queued'] } });
  takesText(items[0]?.status ?? '');
  // @ts-expect-error there may be no further page
  takesText(next);
  // @ts-expect-error there is no such operator
  await factory.images({ where: { percent: { '=>': 50 } } });
}

describe('the types of the console library', () => {
  it('compile with the good uses and refuse the bad ones', () => {
    expect(Object.keys(good)).to.deep.equal(['descriptor', 'target', 'imageUuid', 'secCredentials']);
  });
});
