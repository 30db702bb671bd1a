import { brokers } from '../support/brokers/index.js';
import type { BrokerKind } from '../support/brokers/index.js';
import { matrixTable, recorded } from './matrix.js';

/** Prints the matrix of all suites that ran; the end of CI. */
const file = process.argv[2] ?? process.env.IMAGEFACTORY_MATRIX ?? '';
console.log(matrixTable(await recorded(file, Object.keys(brokers) as BrokerKind[])));
