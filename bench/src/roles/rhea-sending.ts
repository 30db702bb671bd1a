import type { Message, Sender } from 'rhea';

/** Sends as fast as credit and window allow, the way of rhea's own examples; settles when all messages are accepted. */
export function whenSendable(
  sender: Sender,
  count: number,
  window: number,
  message: () => Message,
): Promise<void> {
  return new Promise(resolve => {
    let sent = 0;
    let accepted = 0;
    const pump = (): void => {
      while (sent < count && sent - accepted < window && sender.sendable()) {
        sent++;
        sender.send(message());
      }
    };
    const onAccepted = (): void => {
      accepted++;
      if (accepted < count) {
        pump();
        return;
      }
      sender.removeListener('sendable', pump);
      sender.removeListener('accepted', onAccepted);
      resolve();
    };
    sender.on('sendable', pump);
    sender.on('accepted', onAccepted);
    pump();
  });
}
