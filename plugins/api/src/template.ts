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
}

export type TemplateInstall =
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'iso'; readonly iso: string };

export interface TemplatePackage {
  readonly name: string;
}

export interface TemplateRepository {
  readonly name: string;
  readonly url: string;
  readonly signed: boolean;
  /** False: used while building, removed from the finished image. */
  readonly persisted: boolean;
}

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
