/** What a plugin needs and whether this machine has it: one line of `imagefactory doctor` per entry. */
export interface Diagnosis {
  readonly requirements: readonly Requirement[];
}

export type Requirement =
  | { readonly need: string; readonly state: 'met'; readonly detail: string }
  | {
      readonly need: string;
      /** `missing` stops the plugin; `degraded` only makes it slower or narrower. */
      readonly state: 'missing' | 'degraded';
      readonly detail: string;
      /** The command or the step that would mend it. */
      readonly remedy: string;
    };

/** Whether a plugin can build on this machine. */
export function isReady(diagnosis: Diagnosis): boolean {
  return diagnosis.requirements.every(requirement => requirement.state !== 'missing');
}
