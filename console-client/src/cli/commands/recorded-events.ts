import type { PlainMap } from '@imagefactory/qmf';
import type { FactoryEvent } from '../../index.js';
import type { Output, Part } from '../../terminal/output.js';
import { utcTime } from '../../terminal/time.js';
import { showValue } from '../../terminal/values.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { chosenAgents, onlyOne } from '../lookup/agents.js';
import { factoryAt, isFactory } from '../lookup/factory.js';

/** Shows the events that an agent has on record, from a sequence on, and new ones as they come. */
export async function recordedEventsCommand(
  context: Context,
  from: number,
  count: number | undefined,
): Promise<number> {
  const { out, signal } = context;
  const agent = onlyOne(await chosenAgents(context, isFactory), 'events --from');
  const factory = await factoryAt(context, agent);
  let shown = 0;
  for await (const event of factory.events({ from, signal })) {
    if (event.missed === true) out.note('the record of the agent has begun anew; events before it are lost');
    if (out.json) out.object(eventToJson(event, agent.name));
    else print(out, event);
    await out.drained(signal);
    if (++shown === count) break;
  }
  return exitCodes.ok;
}

function eventToJson(event: FactoryEvent, agent: string): Readonly<Record<string, unknown>> {
  return {
    ...{ time: event.time.toISOString(), sequence: event.sequence, agent },
    ...(event.address === undefined ? {} : { adaptor: event.address.objectName }),
    ...{ kind: event.kind, ...valuesOf(event) },
  };
}

function print(out: Output, event: FactoryEvent): void {
  const values = Object.entries(valuesOf(event)).map(([name, value]) => ` ${name}=${showValue(value)}`);
  const parts: Part[] = [
    { text: utcTime(event.time.getTime()), style: 'dim' },
    ` ${event.sequence} `,
    { text: event.kind, style: 'cyan' },
    values.join(''),
    { text: event.address === undefined ? '' : ` of ${event.address.objectName}`, style: 'dim' },
  ];
  out.line(...parts);
}

function valuesOf(event: FactoryEvent): PlainMap {
  switch (event.kind) {
    case 'status':
      return { status: event.status, old_status: event.oldStatus };
    case 'percent':
      return { percent: event.percent };
    case 'failure':
      return { type: event.type, info: event.info };
    case 'import': {
      const { image, build, targetImage, providerImage, target, provider, targetIdentifier } = event;
      const found = { target, provider, identifier: targetIdentifier, image, build };
      const uuids = { target_image: targetImage, provider_image: providerImage };
      return Object.fromEntries(
        Object.entries({ ...found, ...uuids }).flatMap(([name, value]) =>
          value === undefined ? [] : [[name, value]],
        ),
      );
    }
    case 'other':
      return event.values;
  }
}
