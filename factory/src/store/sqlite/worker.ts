// The thread that has the database open. It answers one call after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, passed, StoreError } from '../errors.js';
import { copyDatabase, Engine } from './engine.js';
import type { AnswerMessage, CallMessage, WorkerTask } from './host.js';

if (parentPort === null) throw new Error('this module is for a worker thread');
const port = parentPort;
// Only WorkerHost and copyInWorker start this thread.
const task = workerData as WorkerTask;

answer(0, () => {
  if (task.kind === 'copy') {
    copyDatabase(task.directory, task.path);
    return;
  }
  const engine = Engine.open(task.directory);
  port.on('message', ({ name, number, parameters }: CallMessage) => {
    // The types of name and parameters belong together; EngineHost.call sees to that.
    const method = engine[name].bind(engine) as (...all: readonly unknown[]) => unknown;
    answer(number, () => method(...parameters));
  });
  return undefined;
});

function answer(number: number, work: () => unknown): void {
  let message: AnswerMessage;
  try {
    message = { number, value: work() };
  } catch (error) {
    const refusal = error instanceof StoreError ? error : new StoreError('invalid', messageOf(error));
    message = { number, error: passed(refusal) };
  }
  port.postMessage(message);
}
