import { ImageFactory, ImageFactory2012, ImageFactoryWithAdditions } from '@imagefactory/schema';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { inputsOf } from '../args/signature.js';
import { methodFor } from './methods.js';

const first = ['descriptor', 'target', 'image_uuid', 'sec_credentials'];
const later = ['image', 'build', 'template', 'targets'];

describe('the form of build_image that a call means', () => {
  const calls: readonly (readonly [readonly string[], readonly string[]])[] = [
    [['@t.xml', 'mock', 'null', 'null'], first],
    [['@t.xml', 'mock', 'foo', '@creds.xml'], first],
    [['<template/>', 'mock', 'foo', 'bar'], first],
    [['', '', '@t.xml', '[mock]'], later],
    [['null', 'null', '-', '["mock", "mock"]'], later],
    [['image=', 'build=', 'template=@t.xml', 'targets=@targets'], later],
    [['descriptor=x', 'target=mock', 'image_uuid=null', 'sec_credentials=[x]'], first],
  ];
  for (const { schema } of [ImageFactory, ImageFactoryWithAdditions, ImageFactory2012]) {
    for (const [words, names] of calls) {
      // A file, or no value, at the end fits both orders, and is taken in that of the schema.
      if (schema === ImageFactory2012.schema && /^(@.*|null)$/.test(words.at(-1) ?? '')) continue;
      it(`is told by ${JSON.stringify(words)} with ${schema.methods.length} methods shown`, () => {
        const method = methodFor(schema, 'build_image', words);
        expect(method && inputsOf(method).map(({ name }) => name)).to.deep.equal(names);
      });
    }
  }

  it('is that of the schema where neither fits, for the check of arguments to say so', () => {
    for (const { schema } of [ImageFactory, ImageFactory2012]) {
      const shown = schema.methods.find(({ name }) => name === 'build_image');
      for (const words of [[], ['x'], ['[a]', '', '', '[b]'], ['@a', '@b', '@c', '@d']])
        expect(methodFor(schema, 'build_image', words), words.join()).to.equal(shown);
    }
  });

  it('is known under every schema, as other methods of 2012 are, and nothing else is', () => {
    expect(methodFor(ImageFactory.schema, 'image', ['x', 'mock'])?.name).to.equal('image');
    expect(methodFor(ImageFactory.schema, 'jump', [])).to.equal(undefined);
  });
});
