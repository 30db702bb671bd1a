import type { RuleName } from '../rules.js';

/** How the pieces of the scan report; `fatal` never returns. */
export interface ScanReport {
  problem(rule: RuleName, offset: number, message: string, remedy: string): void;
  fatal(rule: RuleName, offset: number, message: string, remedy: string): never;
}
