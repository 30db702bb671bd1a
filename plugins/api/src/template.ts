/**
 * The part of a TDL document (Template Description Language, as Oz defines it) that plugins act on.
 *
 * The agent parses and checks the XML; a plugin gets this typed model and never sees the text. Secrets in it (`rootPassword`)
 * must not reach a log, an event or an error.
 */
export interface Template {
  /** `/template/name`, or `''` for the minimal `<template></template>` of the mock. */
  readonly name: string;
  readonly description?: string;
  /** Absent only for templates that name no operating system; those can be built for the target `mock` alone. */
  readonly os?: TemplateOs;
  readonly packages: readonly TemplatePackage[];
  readonly repositories: readonly TemplateRepository[];
  readonly files: readonly TemplateFile[];
  /** In the order of execution. */
  readonly commands: readonly TemplateCommand[];
  /** Run before packages are installed, in the order of execution. */
  readonly precommands: readonly TemplateCommand[];
  /** `/template/disk/size` in bytes. */
  readonly diskSize?: number;
  /** Text directly inside `<template>`, trimmed; the mock's failure switch `FAIL` lives here. */
  readonly text: string;
}

export interface TemplateOs {
  /** Lower-cased by nobody: compare without regard to case (`Debian`, `debian`). */
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  readonly install: TemplateInstall;
  readonly rootPassword?: string;
  readonly kernelParameters?: string;
  /** `<key>`: what some systems ask for at installation. A secret. */
  readonly productKey?: string;
  /** `<icicle><extra_command>`: run inside the image to add to the list of its packages. */
  readonly icicleCommand?: string;
}

export type TemplateInstall =
  | { readonly type: 'url'; readonly url: string }
  | {
      readonly type: 'iso';
      readonly iso: string;
      /** Where the ISO's checksum is published. */
      readonly checksum?: { readonly algorithm: 'md5' | 'sha1' | 'sha256'; readonly url: string };
      readonly extras?: readonly TemplateIsoExtra[];
    };

/** Something that is put on the ISO before it is started. */
export interface TemplateIsoExtra {
  readonly type: 'file' | 'directory';
  readonly source: string;
  /** Path inside the ISO. */
  readonly destination: string;
}

export interface TemplatePackage {
  readonly name: string;
  /** Name of the repository that it comes from. */
  readonly repository?: string;
  /** Name of the file that it comes in. */
  readonly file?: string;
  /** Arguments for its installation. */
  readonly arguments?: string;
}

export interface TemplateRepository {
  readonly name: string;
  readonly url: string;
  readonly signed: boolean;
  /** False: used while building, removed from the finished image. */
  readonly persisted: boolean;
  /** There when certificates are to be verified (`<sslverify>`). */
  readonly verifyTls?: true;
}

/** Parts of a template that few plugins can serve; one that names none of them never gets a template with any. */
export type TemplatePart =
  | 'product-key'
  | 'icicle-command'
  | 'iso-checksum'
  | 'iso-extras'
  | 'package-source'
  | 'verify-tls';

export interface TemplateFile {
  /** Absolute path inside the image. */
  readonly path: string;
  readonly content: Uint8Array;
}

export interface TemplateCommand {
  readonly name: string;
  /** A script for the image's `/bin/sh`, or for the interpreter that its `#!` line names. */
  readonly script: string;
}
