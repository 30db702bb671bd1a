import { int32, type Value } from '@imagefactory/qmf';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { formOfCall } from './build-image-forms.js';

const tell = (inputs: Record<string, Value>) => {
  const { form, inputs: named } = formOfCall(new Map(Object.entries(inputs)));
  return { form, ...Object.fromEntries(named) };
};

describe('the form of a call of build_image', () => {
  it('is told by the names of its arguments', () => {
    const single = { descriptor: '<t/>', target: 'mock', image_uuid: 'foo', sec_credentials: 'bar' };
    const list = { image: '', build: '', template: '<t/>', targets: ['mock'] };
    expect(tell(single)).to.deep.equal({ form: 'single', ...single });
    expect(tell({ descriptor: '<t/>', target: 'mock' })).to.include({ form: 'single' });
    expect(tell(list)).to.deep.equal({ form: 'list', ...list });
    expect(tell({ template: '<t/>' })).to.include({ form: 'list' });
  });

  it('is told by the list at the end when it comes under the names of the other revision', () => {
    expect(tell({ descriptor: '', target: '', image_uuid: '<t/>', sec_credentials: ['mock'] })).to.deep.equal(
      {
        form: 'list',
        image: '',
        build: '',
        template: '<t/>',
        targets: ['mock'],
      },
    );
    for (const last of ['bar', null] as const) {
      expect(tell({ image: '<t/>', build: 'mock', template: 'foo', targets: last })).to.deep.equal({
        form: 'single',
        descriptor: '<t/>',
        target: 'mock',
        image_uuid: 'foo',
        sec_credentials: last,
      });
    }
  });

  it('is the list form where only its targets are wrong', () => {
    const build = '5f0f3a9e-1c1b-4d3e-9f53-2f6c7a1b0c11';
    for (const inputs of [
      { targets: 'mock' },
      { template: '<t/>', targets: 'mock' },
      { image: '', build: '', template: '<t/>', targets: 'mock' },
      { image: build, build, template: '', targets: 'mock' },
      { image: null, build: null, template: '<t/>', targets: null },
    ]) {
      expect(tell(inputs)).to.deep.equal({ form: 'list', ...inputs });
    }
  });

  it('is left as it is where it makes no sense, for the check of arguments to say so', () => {
    expect(tell({})).to.deep.equal({ form: 'single' });
    expect(tell({ descriptor: '<t/>', targets: ['mock'] })).to.deep.equal({
      form: 'single',
      descriptor: '<t/>',
      targets: ['mock'],
    });
    expect(tell({ colour: int32(1) })).to.include({ form: 'single' });
  });
});
