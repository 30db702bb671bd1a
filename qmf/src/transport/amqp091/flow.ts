import type { ChannelModel } from 'amqplib';

/** Class 20 (channel), methods 20 and 21 (AMQP 0-9-1, §1.5). */
const CHANNEL_FLOW = 0x0014_0014;
const CHANNEL_FLOW_OK = 0x0014_0015;

/** The internals of amqplib that we rely on: where a connection takes decoded frames and sends methods, and what was agreed on. */
interface FrameOutlet {
  readonly frameMax: number;
  readonly channelMax: number;
  readonly stream: { readonly bytesRead: number };
  accept(frame: { readonly id?: number; readonly channel: number; readonly fields?: unknown }): void;
  sendMethod(channel: number, method: number, fields: object): void;
}

/**
 * Answers `channel.flow`, by which Qpid Broker-J holds publishers up, and tells of it. amqplib has no word for it: it takes it for
 * the reply to whatever was asked last, or ends the connection.
 */
export function heedChannelFlow(
  model: ChannelModel,
  changed: (channel: number, active: boolean) => void,
): void {
  // Not in amqplib's typings; lib/connection.js of amqplib 2.3 has all of them.
  const outlet = model.connection as unknown as FrameOutlet;
  const original = outlet.accept.bind(outlet);
  outlet.accept = frame => {
    if (frame.id !== CHANNEL_FLOW) {
      original(frame);
      return;
    }
    const { fields } = frame;
    const active =
      typeof fields === 'object' && fields !== null && 'active' in fields && fields.active === true;
    changed(frame.channel, active);
    outlet.sendMethod(frame.channel, CHANNEL_FLOW_OK, { active });
  };
}

/** The largest frame that both sides agreed on, in bytes. */
export function frameLimit(model: ChannelModel): number {
  return (model.connection as unknown as FrameOutlet).frameMax;
}

/** How many channels both sides agreed on. */
export function channelLimit(model: ChannelModel): number {
  return (model.connection as unknown as FrameOutlet).channelMax;
}

/** The socket, as far as it is looked at. */
export function socketOf(model: ChannelModel): { readonly bytesRead: number } {
  return (model.connection as unknown as FrameOutlet).stream;
}
