/** The QMF routing keys of the bare side: as long as real ones, and heard by nobody else. */
export const TOPIC = 'qmf.default.topic';
export const REQUEST_KEY = 'bare-agent.route.8c1d2f9e-6a1b-5f6e-9f0a-3f2b7f3c9d41';
export const REPLY_KEY = 'bare-console.8c1d2f9e-6a1b-5f6e-9f0a-3f2b7f3c9d42';
export const EVENT_KEYS = 'bare.ind.event.#';
export const EVENT_KEY =
  'bare.ind.event.com_redhat_imagefactory.BuildAdaptorStatusEvent.notice.redhat_com.imagefactory.bench';
export const AGENT = 'redhat.com:imagefactory:bench';
