import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Binding } from '../transport.js';
import { Routes } from './routes.js';

const nobody = (): void => undefined;
const topic = (key: string): Binding => ({ exchange: 'e', exchangeType: 'topic', key, create: false });

describe('Routes', () => {
  it('finds everybody that a message is for, and nobody else', () => {
    const routes = new Routes();
    const [all, one, direct] = [() => undefined, () => undefined, () => undefined];
    routes.add(topic('a.#'), all);
    routes.add(topic('a.b'), one);
    routes.add({ exchange: 'd', exchangeType: 'direct', key: 'a.#', create: false }, direct);
    for (let time = 0; time < 2; time++) {
      expect(routes.to('e', 'a.b')).to.deep.equal([all, one]);
      expect(routes.to('e', 'a.c')).to.deep.equal([all]);
      expect(routes.to('e', 'b')).to.deep.equal([]);
      expect(routes.to('d', 'a.#')).to.deep.equal([direct]);
      expect(routes.to('d', 'a.b')).to.deep.equal([]);
      expect(routes.to('other', 'a.b')).to.deep.equal([]);
    }
  });

  it('heeds bindings that come and go between two messages with one key', () => {
    const routes = new Routes();
    const remove = routes.add(topic('a'), nobody);
    expect(routes.to('e', 'a')).to.have.length(1);
    const removeAll = routes.add(topic('#'), nobody);
    expect(routes.to('e', 'a')).to.have.length(2);
    remove();
    expect(routes.to('e', 'a')).to.have.length(1);
    removeAll();
    expect(routes.to('e', 'a')).to.deep.equal([]);
  });

  it('finds the same under more keys than it remembers', () => {
    const routes = new Routes();
    routes.add(topic('a.#'), nobody);
    for (let time = 0; time < 2; time++) {
      for (let key = 0; key < 600; key++) expect(routes.to('e', `a.${key}`)).to.deep.equal([nobody]);
    }
  });
});
