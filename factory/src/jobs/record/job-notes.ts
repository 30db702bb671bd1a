import type { Change } from '../../store/index.js';
import { startOfNow } from '../../platform/files/process-mark.js';
import type { Recorded } from '../build.js';
import type { BuildStatus } from '../status.js';
import type { JobEnd } from './job-form.js';
import type { JobRecords } from './job-records.js';

/** What one build notes of itself while it runs. */
export class JobNotes {
  constructor(
    private readonly id: string,
    private readonly records: JobRecords,
  ) {}

  status(status: BuildStatus, percent: number, images: readonly Change[] = []): Recorded {
    return this.records.enter(this.id, status, percent, images);
  }

  made(what: string): void {
    this.records.mark(this.id, 'rollback', what, {});
  }

  unmade(what: string): void {
    this.records.mark(this.id, 'rollback', what, undefined);
  }

  /** It is begun once more, after so many interruptions. */
  resumed(times: number): void {
    void this.records.update(this.id, { interruptions: times, postponed: false });
  }

  /** It was not ended with the agent: the next start goes on with it. */
  postponed(images: readonly Change[] = []): void {
    void this.records.update(this.id, { postponed: true }, images);
  }

  /** A process group that was started just now. */
  group(pid: number): void {
    this.records.mark(this.id, 'process', String(pid), { pid, started: startOfNow(pid) });
  }

  groupGone(pid: number): void {
    this.records.mark(this.id, 'process', String(pid), undefined);
  }

  /** Resolves when the end survives a power cut. It is announced after that, so that no build has two ends. */
  end(end: JobEnd, percent: number, images: readonly Change[] = []): Recorded {
    return this.records.end(this.id, end, percent, images);
  }
}
