/** A peer broke the framing of AMQP 1.0 (OASIS, part 2 §2.2-2.3); its connection ends, nothing else does. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}
