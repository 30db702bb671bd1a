import { defineData } from '@imagefactory/qmf';
import { PACKAGE } from './imagefactory.js';

/** Object names of adaptors of 2012 are this, the method, a colon and the uuid of the new image. */
export const ADAPTOR_PREFIX_2012 = 'build_adaptor:';

/**
 * The factory as of January 2012. An agent answers these methods whichever revision it shows; `build_image` it answers in
 * the form of 2011 as well.
 */
export const ImageFactory2012 = defineData({
  package: PACKAGE,
  name: 'ImageFactory',
  properties: {},
  methods: {
    image: {
      desc: 'Build a new image for one target',
      arguments: {
        template: { type: 'string', dir: 'I' },
        target: { type: 'string', dir: 'I' },
        build_adaptor: { type: 'map', dir: 'O' },
      },
    },
    build_image: {
      desc: 'Build an image for some targets',
      arguments: {
        image: { type: 'string', dir: 'I', nullable: true },
        build: { type: 'string', dir: 'I', nullable: true },
        template: { type: 'string', dir: 'I', nullable: true },
        targets: { type: 'list', dir: 'I' },
        build_adaptors: { type: 'list', dir: 'O' },
      },
    },
    provider_image: {
      desc: 'Push a target image to one provider',
      arguments: {
        image_id: { type: 'string', dir: 'I' },
        provider: { type: 'string', dir: 'I' },
        credentials: { type: 'string', dir: 'I' },
        build_adaptor: { type: 'map', dir: 'O' },
      },
    },
    push_image: {
      desc: "Push an image's build to some providers",
      arguments: {
        image: { type: 'string', dir: 'I' },
        build: { type: 'string', dir: 'I', nullable: true },
        providers: { type: 'list', dir: 'I' },
        credentials: { type: 'string', dir: 'I' },
        build_adaptors: { type: 'list', dir: 'O' },
      },
    },
    import_image: {
      desc: 'Record an image that a provider has already',
      arguments: {
        image: { type: 'string', dir: 'IO', nullable: true },
        build: { type: 'string', dir: 'IO', nullable: true },
        target_identifier: { type: 'string', dir: 'I' },
        image_desc: { type: 'string', dir: 'I' },
        target: { type: 'string', dir: 'I' },
        provider: { type: 'string', dir: 'I' },
        target_image: { type: 'string', dir: 'O' },
        provider_image: { type: 'string', dir: 'O' },
      },
    },
    instance_states: {
      desc: 'Legal changes of the status of a class',
      arguments: {
        class_name: { type: 'string', dir: 'I' },
        states: { type: 'string', dir: 'O' },
      },
    },
  },
});

/** One object per build or push, as of January 2012, with the properties of 2011 appended. */
export const BuildAdaptor2012 = defineData({
  package: PACKAGE,
  name: 'BuildAdaptor',
  properties: {
    image: { type: 'string' },
    build: { type: 'string' },
    status: { type: 'string' },
    percent_complete: { type: 'int' },
    image_id: { type: 'string' },
    descriptor: { type: 'string' },
    target: { type: 'string' },
    finished_image: { type: 'string' },
  },
  methods: {
    abort: { desc: 'End the build or push', arguments: {} },
  },
});
