import { describe, it } from 'mocha';
import { expect } from 'chai';
import { Uuid } from '../value/value.js';
import type { DocumentWidget, Gadget, WidgetResized } from '../testing/widgets.test.fixture.js';
import type {
  ArgumentDeclaration,
  InputsOf,
  MethodNamesOf,
  OutputsOf,
  PropertyDeclaration,
  ValuesOf,
} from './declare.js';

/** Fails to compile unless both types are the same. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const same = <A, B>(answer: Same<A, B>): Same<A, B> => answer;

describe('types that follow from a declaration', () => {
  it('give properties their types, optional ones a question mark', () => {
    expect(
      same<ValuesOf<typeof DocumentWidget>, { name: string; when: number; count?: number }>(true),
    ).to.equal(true);
    expect(same<ValuesOf<typeof WidgetResized>, { name: string; size: number }>(true)).to.equal(true);
  });

  it('split the arguments of a method by direction', () => {
    expect(same<InputsOf<typeof DocumentWidget, 'resize'>, { to: number; note: string }>(true)).to.equal(
      true,
    );
    expect(same<OutputsOf<typeof DocumentWidget, 'resize'>, { from: number; note: string }>(true)).to.equal(
      true,
    );
    expect(same<MethodNamesOf<typeof Gadget>, 'echo' | 'fail' | 'hang' | 'start'>(true)).to.equal(true);
  });

  it('refuse wrong names and types', () => {
    const values: ValuesOf<typeof DocumentWidget> = { name: 'left', when: 1 };
    // @ts-expect-error a property that is not declared
    const extra: ValuesOf<typeof DocumentWidget> = { name: 'left', when: 1, colour: 'red' };
    // @ts-expect-error text for a number
    const text: ValuesOf<typeof DocumentWidget> = { name: 'left', when: 'now' };
    // @ts-expect-error a property that must be there is missing
    const missing: ValuesOf<typeof DocumentWidget> = { name: 'left' };
    // @ts-expect-error no such method
    const method: MethodNamesOf<typeof Gadget> = 'grow';
    // @ts-expect-error an output is no input
    const inputs: InputsOf<typeof DocumentWidget, 'resize'> = { to: 1, note: '', from: 1 };
    // @ts-expect-error a uuid is not its text
    const id: InputsOf<typeof Gadget, 'echo'> = { text: '', id: '00000000-0000-0000-0000-000000000000' };
    const good: InputsOf<typeof Gadget, 'echo'> = { text: '', id: new Uuid(Buffer.alloc(16)) };
    // @ts-expect-error no such data type
    const property: PropertyDeclaration = { type: 'number' };
    // @ts-expect-error an argument needs a direction
    const argument: ArgumentDeclaration = { type: 'int' };
    expect([values, extra, text, missing, method, inputs, id, good, property, argument]).to.have.length(10);
  });
});
