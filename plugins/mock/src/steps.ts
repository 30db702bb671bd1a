import { setTimeout as sleep } from 'node:timers/promises';
import { type BuildContext, BuildError, type Template } from '@imagefactory/plugin-api';

export interface MockOptions {
  /** Milliseconds that each step of the build takes; default 250, so that a person can watch it. */
  readonly stepDelay?: number;
  /** Whether builds that were interrupted by the end of the agent are begun once more; default false. */
  readonly resumable?: boolean;
}

export const defaultStepDelay = 250;

/** The original's words; consoles may look for them. */
const failureText = 'Testing failure conditions via mock target builder...';

/**
 * Goes through `fractions` of the build's progress with a pause before each, and calls `afterFirst` after the first. Rejects as soon as the
 * build is aborted.
 */
export async function walk(
  context: BuildContext,
  activity: string,
  fractions: readonly number[],
  delay: number,
  afterFirst: () => void,
): Promise<void> {
  await context.progress.step(activity, 1, async progress => {
    progress.update(0);
    for (const [index, fraction] of fractions.entries()) {
      try {
        await sleep(delay, undefined, { signal: context.signal });
      } catch (cause) {
        throw new BuildError('aborted', 'the mock build was aborted', { cause });
      }
      progress.update(fraction);
      if (index === 0) afterFirst();
    }
  });
}

/** Fails on purpose when the template's text says so. */
export function failIfAsked(template: Template): void {
  if (template.text === 'FAIL') throw new BuildError('template_invalid', failureText);
}
