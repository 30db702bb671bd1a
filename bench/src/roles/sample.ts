/** What the QMF roles and the bare ones put into their messages, so that both carry the same. */
export const OBJECTS = 1_000;

/** Objects of one message of a query's answer; as many as the agent puts there. */
export const OBJECTS_PER_MESSAGE = 100;

export const DESCRIPTOR =
  '<template><name>bench</name><os><name>Debian</name><version>12</version><arch>x86_64</arch>' +
  '<install type="url"><url>http://mirror.example.org/debian</url></install></os></template>';

export const callInputs = {
  descriptor: DESCRIPTOR,
  target: 'mock',
  image_uuid: '5b0b4a1c-5d3e-4b5e-9d59-6f6c2e8f3a10',
  sec_credentials: '<credentials/>',
} as const;

export const objectName = (index: number): string =>
  `build_adaptor-0b3e5a56-7c7b-4f0e-8a3d-${index.toString(16).padStart(12, '0')}`;

export const objectValues = (index: number) => ({
  descriptor: DESCRIPTOR,
  target: 'mock',
  status: 'BUILDING',
  percent_complete: index % 100,
  finished_image: '',
});
