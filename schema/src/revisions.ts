import type { DataClass } from '@imagefactory/qmf';
import { BuildAdaptor, ImageFactory } from './imagefactory.js';
import { BuildAdaptor2012, ImageFactory2012 } from './imagefactory-2012.js';
import { BuildAdaptorWithAdditions, ImageFactoryWithAdditions } from './imagefactory-with-additions.js';

/**
 * Which classes an agent shows to consoles: `2011` those of the API note of January 2011 with the additions of 2012 behind them, `2011-exact` without,
 * bit for bit; `2012` those of January 2012.
 */
export const schemaRevisions = ['2011', '2011-exact', '2012'] as const;
export type SchemaRevision = (typeof schemaRevisions)[number];

/** The two classes of objects of a revision. Events are the same in all. */
export interface ShownClasses {
  readonly factory: DataClass;
  readonly adaptor: DataClass;
}

export const shownClasses: Readonly<Record<SchemaRevision, ShownClasses>> = {
  '2011': { factory: ImageFactoryWithAdditions, adaptor: BuildAdaptorWithAdditions },
  '2011-exact': { factory: ImageFactory, adaptor: BuildAdaptor },
  '2012': { factory: ImageFactory2012, adaptor: BuildAdaptor2012 },
};
