import { defineData, defineEvent, Severity } from '@imagefactory/qmf';

/** Package of our own classes. They are additions: consoles that don't know them miss nothing of the others. */
export const NEWS_PACKAGE = 'imagefactory.news';
/** Object name of the one BuildNews object of an agent. */
export const NEWS_OBJECT = 'build_news';

/** Lines that one event has at most. */
export const NEWS_LINES = 200;
/** Lines that one answer has at most. */
export const NEWS_PAGE = 1_000;

/**
 * What is happening inside of builds and pushes. `build` is always the name of an adaptor, or the uuid of what it makes.
 *
 * Nothing is sent to anybody before somebody asks for it with `follow`, and only for as long.
 */
export const BuildNews = defineData({
  package: NEWS_PACKAGE,
  name: 'BuildNews',
  properties: {},
  methods: {
    log: {
      desc: "Lines of a build's log, from one number on",
      arguments: {
        build: { type: 'string', dir: 'I' },
        from: { type: 'int', dir: 'I', nullable: true, desc: 'number of the first line; 1 if left out' },
        limit: { type: 'int', dir: 'I', nullable: true, desc: 'at most so many lines' },
        lines: { type: 'list', dir: 'O', desc: 'maps of seq, time, level and text' },
        next: { type: 'int', dir: 'O', desc: 'number of the line after these' },
        over: { type: 'bool', dir: 'O', desc: 'the build is over, and there are no further lines' },
      },
    },
    follow: {
      desc: 'Raise BuildLogEvent and BuildStepEvent for a build from now on',
      arguments: {
        build: { type: 'string', dir: 'I' },
        seconds: { type: 'int', dir: 'I', nullable: true, unit: 's', desc: 'for so long; again to prolong' },
        granted: { type: 'int', dir: 'O', unit: 's' },
        next: { type: 'int', dir: 'O', desc: 'number of the first line that events will have' },
        over: { type: 'bool', dir: 'O', desc: 'the build is over already' },
      },
    },
    detail: {
      desc: 'What a build is doing, where it waits, and what went wrong',
      arguments: {
        build: { type: 'string', dir: 'I' },
        status_detail: { type: 'map', dir: 'O', desc: 'activity and error' },
        queue: { type: 'map', dir: 'O', desc: 'queue and position while it waits, else empty' },
        failure: {
          type: 'map',
          dir: 'O',
          desc: 'type, info, last_lines, removed and left once it has failed, else empty',
        },
      },
    },
    image: {
      desc: 'What is on record of an image: its builds, target images and provider images',
      arguments: {
        image: { type: 'string', dir: 'I', desc: 'uuid of it, or of anything that belongs to it' },
        record: { type: 'map', dir: 'O' },
      },
    },
  },
});

/** New lines of a log that somebody follows. What is missing between two of them can be asked for with `log`. */
export const BuildLogEvent = defineEvent({
  package: NEWS_PACKAGE,
  name: 'BuildLogEvent',
  severity: Severity.DEBUG,
  properties: {
    addr: { type: 'map' },
    event: { type: 'string' },
    first: { type: 'int', desc: 'number of the first line' },
    lines: { type: 'list', desc: 'maps of seq, time, level and text' },
    over: { type: 'bool', desc: 'the build is over, and there are no further lines' },
  },
});

/** What a build that somebody follows is doing now. */
export const BuildStepEvent = defineEvent({
  package: NEWS_PACKAGE,
  name: 'BuildStepEvent',
  severity: Severity.DEBUG,
  properties: {
    addr: { type: 'map' },
    event: { type: 'string' },
    seq: { type: 'int', desc: 'from 1 for each time that a build is followed' },
    activity: { type: 'string' },
    percent_complete: { type: 'int' },
    queue: { type: 'map', desc: 'queue and position while it waits, else empty' },
  },
});
