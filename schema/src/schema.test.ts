import { expect } from 'chai';
import { describe, it } from 'mocha';
import { BuildAdaptor, BuildAdaptor2012, ImageFactory, ImageFactory2012 } from './index.js';

const inputs = (method: { readonly arguments: object } | undefined): string[] =>
  Object.entries(method?.arguments ?? {}).flatMap(([name, argument]) =>
    (argument as { readonly dir: string }).dir === 'O' ? [] : [name],
  );

describe('the two revisions of the schema', () => {
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
});
