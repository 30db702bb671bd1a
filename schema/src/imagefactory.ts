import { defineData, defineEvent, Severity } from '@imagefactory/qmf';

/** Name of the QMF package (seed document "Image Factory QMF API", 2011). */
export const PACKAGE = 'com.redhat.imagefactory';
/** Vendor and product parts of the agent's name, by which consoles find it. */
export const VENDOR = 'redhat.com';
export const PRODUCT = 'imagefactory';
/** Object name of the one ImageFactory object of an agent. */
export const FACTORY_OBJECT = 'image_factory';
/** Object names of build adaptors are this and a uuid. */
export const ADAPTOR_PREFIX = 'build_adaptor-';

/**
 * The factory itself, one object per agent. No descriptions on purpose: they are part of the schema hash, and the hash of
 * 2011 must come out.
 */
export const ImageFactory = defineData({
  package: PACKAGE,
  name: 'ImageFactory',
  properties: {},
  methods: {
    build_image: {
      desc: 'Build a new image',
      arguments: {
        descriptor: { type: 'string', dir: 'I' },
        target: { type: 'string', dir: 'I' },
        image_uuid: { type: 'string', dir: 'I', nullable: true },
        sec_credentials: { type: 'string', dir: 'I', nullable: true },
        build_adaptor: { type: 'map', dir: 'O' },
      },
    },
  },
});

/** One object per build, as of 2011. */
export const BuildAdaptor = defineData({
  package: PACKAGE,
  name: 'BuildAdaptor',
  properties: {
    descriptor: { type: 'string' },
    target: { type: 'string' },
    status: { type: 'string' },
    percent_complete: { type: 'int' },
    finished_image: { type: 'string' },
  },
  methods: {},
});

/** Raised at every change of a build's status. `event` is `STATUS`. */
export const BuildAdaptorStatusEvent = defineEvent({
  package: PACKAGE,
  name: 'BuildAdaptorStatusEvent',
  severity: Severity.NOTICE,
  properties: {
    addr: { type: 'map' },
    event: { type: 'string' },
    new_status: { type: 'string' },
    old_status: { type: 'string' },
  },
});

/** Raised whenever a build's percentage has grown. `event` is `PERCENTAGE`. */
export const BuildAdaptorPercentCompleteEvent = defineEvent({
  package: PACKAGE,
  name: 'BuildAdaptorPercentCompleteEvent',
  severity: Severity.NOTICE,
  properties: {
    addr: { type: 'map' },
    event: { type: 'string' },
    percent_complete: { type: 'int' },
  },
});

/** Raised once when a build has failed, beside the status event. `event` is `FAILURE`. */
export const BuildFailedEvent = defineEvent({
  package: PACKAGE,
  name: 'BuildFailedEvent',
  severity: Severity.ERROR,
  properties: {
    addr: { type: 'map' },
    event: { type: 'string' },
    type: { type: 'string' },
    info: { type: 'string' },
  },
});
