import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import {
  BuildAdaptor,
  BuildAdaptor2012,
  BuildAdaptorWithAdditions,
  ImageFactory,
  ImageFactory2012,
  ImageFactoryWithAdditions,
  schemaRevisions,
  shownClasses,
} from './index.js';

const inputs = (method: { readonly arguments: object } | undefined): string[] =>
  Object.entries(method?.arguments ?? {}).flatMap(([name, argument]) =>
    (argument as { readonly dir: string }).dir === 'O' ? [] : [name],
  );

describe('the revisions of the schema', () => {
  it('leave the classes of 2011 as the API note has them', () => {
    expect(ImageFactory.schema.id.hash.toString()).to.equal('3a04ba9d-935b-bb6e-0c47-390b1c14b76f');
    expect(BuildAdaptor.schema.id.hash.toString()).to.equal('61786de6-ff40-7b74-bfde-d1e79d5af4d9');
  });

  it('name one class each, by another hash', () => {
    for (const [old, later] of [
      [ImageFactory, ImageFactory2012],
      [BuildAdaptor, BuildAdaptor2012],
    ] as const) {
      expect(later.schema.id).to.include({
        packageName: old.schema.id.packageName,
        className: old.schema.id.className,
      });
      expect(later.schema.id.hash.equals(old.schema.id.hash)).to.equal(false);
    }
  });

  it('have the methods of 2012 with their arguments in order', () => {
    const { methods } = ImageFactory2012;
    expect(
      Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, inputs(method)])),
    ).to.deep.equal({
      image: ['template', 'target'],
      build_image: ['image', 'build', 'template', 'targets'],
      provider_image: ['image_id', 'provider', 'credentials'],
      push_image: ['image', 'build', 'providers', 'credentials'],
      import_image: ['image', 'build', 'target_identifier', 'image_desc', 'target', 'provider'],
      instance_states: ['class_name'],
    });
    expect(methods.import_image.arguments.image.dir).to.equal('IO');
    expect(methods.import_image.arguments.build.dir).to.equal('IO');
  });

  it('have every property of 2011 in 2012 too, behind those of 2012', () => {
    const names = BuildAdaptor2012.schema.properties.map(({ name }) => name);
    expect(names.slice(0, 5)).to.deep.equal(['image', 'build', 'status', 'percent_complete', 'image_id']);
    expect(names).to.include.members(BuildAdaptor.schema.properties.map(({ name }) => name));
  });

  it('have the additions of 2012 behind what was there in 2011', () => {
    const { methods, properties } = ImageFactoryWithAdditions.schema;
    expect(properties).to.deep.equal([]);
    expect(methods[0]).to.deep.equal(ImageFactory.schema.methods[0]);
    expect(methods.slice(1)).to.deep.equal(
      ImageFactory2012.schema.methods.filter(({ name }) => name !== 'build_image'),
    );
    const adaptor = BuildAdaptorWithAdditions.schema;
    expect(adaptor.properties.slice(0, 5)).to.deep.equal(BuildAdaptor.schema.properties);
    expect(adaptor.properties.slice(5).map(({ name }) => name)).to.deep.equal(['image', 'build', 'image_id']);
    expect(adaptor.methods).to.deep.equal(BuildAdaptor2012.schema.methods);
  });

  it('have three pairs of classes of the same names, no two of one hash', () => {
    const shown = schemaRevisions.map(revision => shownClasses[revision]);
    for (const kind of ['factory', 'adaptor'] as const) {
      const ids = shown.map(classes => classes[kind].schema.id);
      expect(new Set(ids.map(({ packageName, className }) => `${packageName}:${className}`)).size).to.equal(
        1,
      );
      expect(new Set(ids.map(({ hash }) => hash.toString())).size).to.equal(schemaRevisions.length);
    }
    const page = readFileSync(new URL('../../docs/wire.md', import.meta.url), 'utf8');
    for (const kind of ['factory', 'adaptor'] as const) {
      const { className } = shownClasses['2011'][kind].schema.id;
      const hashes = schemaRevisions.map(
        revision => `\`${shownClasses[revision][kind].schema.id.hash.toString()}\``,
      );
      expect(page, 'the table of hashes').to.include(`| \`${className}\` | ${hashes.join(' | ')} |`);
    }
    expect(shownClasses['2011-exact']).to.deep.equal({ factory: ImageFactory, adaptor: BuildAdaptor });
  });
});
