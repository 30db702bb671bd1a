import { openMemoryStore } from '../../store/index.js';
import type { Logger } from '../../platform/log/index.js';
import { JobRecords } from './job-records.js';

/** Records that end with the process, for engines that are to go on with nothing. */
export async function memoryRecords(log: Logger): Promise<JobRecords> {
  return (await JobRecords.open(await openMemoryStore(), log)).records;
}
