import type { Message } from 'rhea';
import type { KeySender } from './rhea-link.js';

/** Sends as fast as credit and window allow, the way of rhea's own examples; settles when all messages are accepted. */
export function whenSendable(
  link: KeySender,
  count: number,
  window: number,
  message: () => Message,
): Promise<void> {
  const { sender } = link;
  return new Promise(resolve => {
    let sent = 0;
    let accepted = 0;
    const pump = (): void => {
      while (sent < count && sent - accepted < window && sender.sendable()) {
        sent++;
        link.send(message());
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
