import { defineData } from '@imagefactory/qmf';
import { BuildAdaptor, ImageFactory, PACKAGE } from './imagefactory.js';
import { BuildAdaptor2012, ImageFactory2012 } from './imagefactory-2012.js';

/**
 * The factory as of January 2011 with the methods of 2012 behind its own, so that consoles of both years that give arguments by
 * position find theirs. It has another hash than that of 2011 for it.
 */
export const ImageFactoryWithAdditions = defineData({
  package: PACKAGE,
  name: 'ImageFactory',
  properties: {},
  methods: {
    ...ImageFactory.methods,
    ...ImageFactory2012.methods,
    // Of the two forms that of 2011 is shown; being there already, it keeps its place.
    build_image: ImageFactory.methods.build_image,
  },
});

/** One object per build or push, as of January 2011 with the properties of 2012 behind its own, and the method. */
export const BuildAdaptorWithAdditions = defineData({
  package: PACKAGE,
  name: 'BuildAdaptor',
  properties: { ...BuildAdaptor.properties, ...BuildAdaptor2012.properties },
  methods: BuildAdaptor2012.methods,
});
