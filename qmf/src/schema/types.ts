/** Data types of QMF schemas (wire document §4.4), in the lower-case words of declarations. */
export type DataType = 'void' | 'bool' | 'int' | 'float' | 'string' | 'map' | 'list' | 'uuid';

/** Numbers as the C++ API has them (`qmf/SchemaTypes.h`); the schema hash is made of them. */
export const dataTypeCodes: Readonly<Record<DataType, number>> = {
  void: 1,
  bool: 2,
  int: 3,
  float: 4,
  string: 5,
  map: 6,
  list: 7,
  uuid: 8,
};

export type Access = 'RC' | 'RW' | 'RO';
export const accessCodes: Readonly<Record<Access, number>> = { RC: 1, RW: 2, RO: 3 };

export type Direction = 'I' | 'O' | 'IO';
export const directionCodes: Readonly<Record<Direction, number>> = { I: 1, O: 2, IO: 3 };

export type SchemaKind = '_data' | '_event';
export const schemaKindCodes: Readonly<Record<SchemaKind, number>> = { _data: 1, _event: 2 };

/** Severities of events, most severe first, as syslog has them. */
export const Severity = {
  EMERG: 0,
  ALERT: 1,
  CRIT: 2,
  ERROR: 3,
  WARN: 4,
  NOTICE: 5,
  INFORM: 6,
  DEBUG: 7,
} as const;
export type Severity = (typeof Severity)[keyof typeof Severity];

/** The words of the broker's routing keys, by severity (wire document §1.3). */
export const severityWords = ['emerg', 'alert', 'crit', 'error', 'warn', 'note', 'info', 'debug'] as const;

export function isSeverity(value: number | undefined): value is Severity {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value <= 7;
}
