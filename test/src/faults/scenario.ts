import type { Site } from './site.js';
import type { Stage, StageOptions } from './stage.js';

/** Something that goes wrong, and what must come of it. What must come of everything is in {@link Stage.play}. */
export interface Scenario {
  readonly name: string;
  /**
   * `together`: may be played beside others on the same broker. `apart`: takes much of the machine. `alone`: ill-treats the
   * broker itself.
   */
  readonly company: 'together' | 'apart' | 'alone';
  readonly options?: (site: Site) => StageOptions;
  /** Why it cannot be played at a site. */
  readonly missing?: (site: Site) => string | undefined;
  run(stage: Stage): Promise<void>;
}
