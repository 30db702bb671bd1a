import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../support/lane.js';
import { Program } from '../support/program.js';
import type { SchemaVerdict } from './corpus.js';

/** Where Debian's package oz puts its schema; IMAGEFACTORY_TDL_SCHEMA names another place. */
const usualSchema = '/usr/lib/python3/dist-packages/oz/tdl.rng';

/** Oz's RELAX NG schema, asked through xmllint. */
export class SchemaOracle {
  private constructor(
    private readonly xmllint: string,
    private readonly schema: string,
    readonly digest: string,
  ) {}

  /** The oracle, or why there is none on this machine. */
  static async find(): Promise<SchemaOracle | string> {
    const xmllint = await findProgram('xmllint');
    if (xmllint === undefined) return 'xmllint is not installed (apt-get install libxml2-utils)';
    const schema = process.env.IMAGEFACTORY_TDL_SCHEMA ?? usualSchema;
    try {
      await access(schema);
    } catch {
      return `${schema} is not there (apt-get install oz, or name a copy in IMAGEFACTORY_TDL_SCHEMA)`;
    }
    const digest = createHash('sha256')
      .update(await readFile(schema))
      .digest('hex');
    return new SchemaOracle(xmllint, schema, digest);
  }

  /** The verdicts over files of a directory, by name. */
  async judgeFiles(directory: string, names: readonly string[]): Promise<Map<string, SchemaVerdict>> {
    const run = await Program.run(this.xmllint, ['--noout', '--nonet', '--relaxng', this.schema, ...names], {
      cwd: directory,
      timeout: 120_000,
    });
    const verdicts = new Map<string, SchemaVerdict>(names.map(name => [name, 'malformed']));
    for (const [, name = '', verdict] of run.stderr.matchAll(/^(\S+) (validates|fails to validate)$/gm)) {
      verdicts.set(name, verdict === 'validates' ? 'valid' : 'invalid');
    }
    return verdicts;
  }

  /** The verdicts over texts, in their order. */
  async judge(texts: readonly string[]): Promise<SchemaVerdict[]> {
    const directory = await mkdtemp(join(tmpdir(), 'tdl-'));
    try {
      const names = texts.map((_, index) => `${index}.tdl`);
      await Promise.all(texts.map((text, index) => writeFile(join(directory, names[index] ?? ''), text)));
      const verdicts = await this.judgeFiles(directory, names);
      return names.map(name => verdicts.get(name) ?? 'malformed');
    } finally {
      await rm(directory, { recursive: true });
    }
  }
}
