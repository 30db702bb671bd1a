import { defineData } from '@imagefactory/qmf';
import { BuildAdaptor } from './imagefactory.js';
import { BuildAdaptor2012 } from './imagefactory-2012.js';

/**
 * What our agent sends of an adaptor, whichever class it shows: the properties of 2011, those of 2012, and why a build has failed. No class
 * that is shown names the last two, so that every schema keeps its hash; consoles of other makes pass over them. Agents of other makes send
 * the five of 2011.
 */
export const BuildAdaptorOnBus = defineData({
  package: BuildAdaptor.schema.id.packageName,
  name: BuildAdaptor.schema.id.className,
  properties: {
    ...BuildAdaptor.properties,
    image: { type: 'string', optional: true },
    build: { type: 'string', optional: true },
    image_id: { type: 'string', optional: true },
    /** With FAILED alone: the words of its `BuildFailedEvent`. */
    failure_type: { type: 'string', optional: true },
    failure_info: { type: 'string', optional: true },
  },
  methods: BuildAdaptor2012.methods,
});
