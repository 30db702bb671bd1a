import { defineData, defineEvent, Severity } from '../schema/index.js';

/** The class of the wire document's worked schema (§4.4). */
export const DocumentWidget = defineData({
  package: 'com.example',
  name: 'Widget',
  properties: {
    name: { type: 'string', index: true, desc: 'the name' },
    count: { type: 'int', access: 'RW', unit: 'items', desc: 'how many', optional: true },
    when: { type: 'int', subtype: 'timestamp' },
  },
  methods: {
    resize: {
      desc: 'change the count',
      arguments: {
        to: { type: 'int', dir: 'I', desc: 'new count' },
        from: { type: 'int', dir: 'O' },
        note: { type: 'string', dir: 'IO' },
      },
    },
  },
});

export const WidgetResized = defineEvent({
  package: 'com.example',
  name: 'WidgetResized',
  severity: Severity.NOTICE,
  properties: { name: { type: 'string' }, size: { type: 'float' } },
});

/** A class with an argument of every type, and methods that misbehave. */
export const Gadget = defineData({
  package: 'com.example',
  name: 'Gadget',
  properties: { name: { type: 'string' }, count: { type: 'int' }, big: { type: 'string', optional: true } },
  methods: {
    echo: {
      arguments: {
        text: { type: 'string', dir: 'IO' },
        number: { type: 'int', dir: 'IO', nullable: true },
        ratio: { type: 'float', dir: 'IO', optional: true },
        flag: { type: 'bool', dir: 'IO', optional: true },
        id: { type: 'uuid', dir: 'IO', optional: true },
        table: { type: 'map', dir: 'IO', optional: true },
        items: { type: 'list', dir: 'IO', optional: true },
      },
    },
    fail: { arguments: { how: { type: 'string', dir: 'I' } } },
    hang: { arguments: {} },
    start: { arguments: { handle: { type: 'map', dir: 'O' } } },
  },
});
