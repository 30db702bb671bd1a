// The thread that has the database open. It answers one call after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf, passed, StoreError } from '../errors.js';
import type { Engine } from './engine.js';
import type { AnswerMessage, CallMessage, WorkerTask } from './host.js';
import { Turn } from './turn.js';

if (parentPort === null) throw new Error('this module is for a worker thread');
const port = parentPort;
// Only WorkerHost starts this thread.
const task = workerData as WorkerTask;
const turn = new Turn(task.turn);

await turn.run(async () => {
  // Loading the driver must not be interrupted either.
  const { copyDatabase, Engine } = await import('./engine.js');
  answer(0, () => {
    if (task.copyTo === undefined) serve(Engine.open(task.directory));
    else copyDatabase(task.directory, task.copyTo);
  });
});

function serve(engine: Engine): void {
  port.on('message', (message: CallMessage | null) => {
    if (message === null) {
      port.close();
      return;
    }
    const { name, number, parameters } = message;
    // The types of name and parameters belong together; EngineHost.call sees to that.
    const method = engine[name].bind(engine) as (...all: readonly unknown[]) => unknown;
    void turn.run(() => answer(number, () => method(...parameters)));
  });
}

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
