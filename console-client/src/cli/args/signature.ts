import type { SchemaMethod, SchemaProperty } from '@imagefactory/qmf';

/** The arguments that a caller gives, in call order. */
export function inputsOf(method: SchemaMethod): readonly SchemaProperty[] {
  return method.arguments.filter(({ direction }) => direction !== 'O');
}

/** `build_image(descriptor STRING, target STRING) -> build_adaptor MAP` */
export function signatureOf(method: SchemaMethod): string {
  const show = ({ name, type }: SchemaProperty): string => `${name} ${type.toUpperCase()}`;
  const outputs = method.arguments.filter(({ direction }) => direction !== 'I').map(show);
  const inputs = inputsOf(method).map(show).join(', ');
  return `${method.name}(${inputs})${outputs.length === 0 ? '' : ` -> ${outputs.join(', ')}`}`;
}
