// Makes the tarballs of a release: node tools/release-pack.mjs [FOLDER], default tarballs/.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { packAll } from './packages/pack.mjs';

const folder = resolve(process.argv[2] ?? 'tarballs');
mkdirSync(folder, { recursive: true });
for (const { tarball } of await packAll(folder)) console.log(tarball);
